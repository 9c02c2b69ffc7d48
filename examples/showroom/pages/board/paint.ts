/** Draws strokes on a canvas of any size; they are kept in the units of the paper. */
import { paper } from '../../board/rules.ts'

export interface Drawable {
  readonly color: string
  readonly width: number
  readonly points: readonly number[]
}

/**
 * What did not change keeps its identity in the live state, so its path can be kept too: a board
 * of a thousand strokes computes only the one that grows.
 */
const paths = new WeakMap<Drawable, Path2D>()

export function paint(
  canvas: HTMLCanvasElement,
  strokes: readonly Drawable[],
  drafts: readonly Drawable[],
): void {
  const context = canvas.getContext('2d')
  if (!context) return
  fit(canvas)
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, canvas.width, canvas.height)
  context.setTransform(canvas.width / paper.width, 0, 0, canvas.height / paper.height, 0, 0)
  context.lineCap = 'round'
  context.lineJoin = 'round'
  for (const stroke of strokes) draw(context, stroke, keptPath(stroke))
  for (const draft of drafts) draw(context, draft, pathOf(draft.points))
}

/** One canvas pixel for each pixel of the screen. */
function fit(canvas: HTMLCanvasElement): void {
  const width = Math.round(canvas.clientWidth * devicePixelRatio)
  const height = Math.round(canvas.clientHeight * devicePixelRatio)
  if (canvas.width !== width) canvas.width = width
  if (canvas.height !== height) canvas.height = height
}

function draw(context: CanvasRenderingContext2D, stroke: Drawable, path: Path2D): void {
  context.strokeStyle = stroke.color
  context.lineWidth = stroke.width
  context.stroke(path)
}

function keptPath(stroke: Drawable): Path2D {
  const kept = paths.get(stroke)
  if (kept) return kept
  const path = pathOf(stroke.points)
  paths.set(stroke, path)
  return path
}

/** Curves through the middles between the points: a hand's line, not a polygon. */
function pathOf(points: readonly number[]): Path2D {
  const path = new Path2D()
  const [firstX = 0, firstY = 0] = points
  let [x, y] = [firstX, firstY]
  path.moveTo(x, y)
  for (let i = 2; i + 1 < points.length; i += 2) {
    const [nextX = x, nextY = y] = [points[i], points[i + 1]]
    path.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2)
    x = nextX
    y = nextY
  }
  path.lineTo(x, y)
  return path
}
