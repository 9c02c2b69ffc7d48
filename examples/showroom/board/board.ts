/**
 * A whiteboard. Each name is one instance of this backend, in a process of its own; what the
 * handlers change in `ctx.state` is what every client sees, once it is safe.
 */
import { backend, type Context, SojournError } from 'sojourn/backend'
import { z } from 'zod'
import {
  chunkNumbersMax,
  inks,
  paper,
  type Stroke,
  strokeNumbersMax,
  strokesMax,
  widths,
} from './rules.ts'

const Grant = z.object({ role: z.enum(['editor', 'viewer']), name: z.string().max(40) })
export type Grant = z.infer<typeof Grant>

interface State {
  strokes: Stroke[]
}

const X = z.int().min(0).max(paper.width)
const Y = z.int().min(0).max(paper.height)
const StrokeId = z.string().regex(/^[a-z0-9-]{1,36}$/)
const Begin = z.object({
  id: StrokeId,
  color: z.enum(inks),
  width: z.literal(widths),
  x: X,
  y: Y,
})
const Extend = z.object({
  id: StrokeId,
  points: z
    .array(z.int().min(0).max(paper.width))
    .min(2)
    .max(chunkNumbersMax)
    .refine((points) => points.length % 2 === 0, 'x and y by turns'),
})

export default backend({
  grant: Grant,
  presence: z.object({ x: X, y: Y }),
  state: (): State => ({ strokes: [] }),
  identity: ({ user, grant }) => ({ name: grant.name, color: colorOf(user) }),

  actions: (action) => ({
    begin: action(Begin, (ctx, { id, color, width, x, y }) => {
      const { strokes } = ctx.state
      const by = editorOf(ctx)
      if (strokes.length >= strokesMax) throw refused('The board is full; clear it to go on.')
      if (strokes.some((stroke) => stroke.id === id)) throw refused('This stroke exists already.')
      strokes.push({ id, by, color, width, points: [x, y] })
    }),

    extend: action(Extend, (ctx, { id, points }) => {
      const by = editorOf(ctx)
      const stroke = ctx.state.strokes.findLast((stroke) => stroke.id === id && stroke.by === by)
      if (!stroke) throw refused('The board was cleared while you drew.')
      if (stroke.points.length + points.length > strokeNumbersMax) {
        throw refused('This stroke is too long; lift the pen.')
      }
      stroke.points.push(...points)
    }),

    /** Takes back the newest stroke of the caller. */
    undo: action((ctx) => {
      const by = editorOf(ctx)
      const index = ctx.state.strokes.findLastIndex((stroke) => stroke.by === by)
      if (index >= 0) ctx.state.strokes.splice(index, 1)
    }),

    clear: action((ctx) => {
      editorOf(ctx)
      ctx.state.strokes = []
    }),
  }),
})

/** The id of the caller, if it may draw. */
function editorOf({ caller }: Context<State, Grant>): string {
  if (caller.grant.role !== 'editor' || !caller.user) {
    throw new SojournError('FORBIDDEN', 'You are watching; log in to draw.')
  }
  return caller.user
}

function refused(why: string): SojournError {
  return new SojournError('ACTION_INVALID', why)
}

/** The same user gets the same colour on every board; guests share a quiet one. */
function colorOf(user: string | undefined): string {
  if (!user) return '#8a8178'
  const hash = [...user].reduce((hash, letter) => (hash * 33 + letter.charCodeAt(0)) >>> 0, 0)
  return inks[1 + (hash % (inks.length - 1))] ?? inks[0]
}
