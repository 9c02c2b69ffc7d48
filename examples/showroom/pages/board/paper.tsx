/** The sheet: the strokes on a canvas, the cursors of the others above it. */
import { useEffect, useRef } from 'preact/hooks'
import { paper } from '../../board/rules.ts'
import { paint } from './paint.ts'
import type { ShownStroke, Sketch } from './sketch.ts'
import type { Tool } from './toolbar.tsx'
import { usePen } from './use-pen.ts'

export function Paper({ sketch, tool }: { sketch: Sketch; tool: Tool | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useRepaint(canvas, sketch)
  const pen = usePen(sketch, tool)
  const { x, y } = pen.keyboard
  return (
    <div class="paper">
      <canvas
        ref={canvas}
        tabIndex={tool ? 0 : -1}
        class={tool ? 'can-draw' : ''}
        // Who draws with keys needs them to reach the sheet, past a screen reader.
        role={tool ? 'application' : 'img'}
        aria-label={describe(sketch.strokes)}
        aria-describedby={tool ? 'keys' : undefined}
        {...pen.handlers}
      />
      {pen.keyboard.shown && (
        <span class={`crosshair ${pen.keyboard.down ? 'is-down' : ''}`} style={placeOf(x, y)} />
      )}
      {sketch.live.presence.others.map(
        ({ connection, identity, value }) =>
          value && (
            <span
              key={connection}
              class="cursor"
              data-cursor={identity.name}
              style={{ ...placeOf(value.x, value.y), '--ink': identity.color }}
              aria-hidden="true"
            >
              <svg viewBox="0 0 16 20" aria-hidden="true">
                <path d="M2 2v14l4-4h7z" />
              </svg>
              <span>{identity.name}</span>
            </span>
          ),
      )}
    </div>
  )
}

/** What is on the sheet, for those who don't see it. */
function describe(strokes: readonly ShownStroke[]): string {
  const counts = new Map<string, number>()
  for (const { by } of strokes) counts.set(by, (counts.get(by) ?? 0) + 1)
  const shares = [...counts].map(([by, count]) => `${count} by ${by}`)
  return `Whiteboard, ${shares.length === 0 ? 'empty' : `strokes: ${shares.join(', ')}`}`
}

function placeOf(x: number, y: number): { left: string; top: string } {
  return { left: `${(100 * x) / paper.width}%`, top: `${(100 * y) / paper.height}%` }
}

/** Paints once per frame of the screen, however often the board changes in between. */
function useRepaint(canvas: { readonly current: HTMLCanvasElement | null }, sketch: Sketch): void {
  useEffect(() => {
    let frame = 0
    const repaint = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        if (canvas.current) paint(canvas.current, sketch.strokes, sketch.drafts)
      })
    }
    const resizes = new ResizeObserver(repaint)
    if (canvas.current) resizes.observe(canvas.current)
    const forget = sketch.subscribe(repaint)
    repaint()
    return () => {
      forget()
      resizes.disconnect()
      cancelAnimationFrame(frame)
    }
  }, [canvas, sketch])
}
