/** Turns mouse, touch, stylus and keys into strokes and into the cursor that others see. */
import type { TargetedEvent, TargetedKeyboardEvent, TargetedPointerEvent } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { paper } from '../../board/rules.ts'
import type { Point, Sketch } from './sketch.ts'
import type { Tool } from './toolbar.tsx'

type Pointer = TargetedPointerEvent<HTMLCanvasElement>

const keySteps: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}
const keyStep = 20

const hiddenKeyboard = { x: paper.width / 2, y: paper.height / 2, down: false, shown: false }

/** `tool` is undefined for whoever may only watch: then only the cursor moves. */
export function usePen(sketch: Sketch, tool: Tool | undefined) {
  const pointer = useRef<number>(undefined)
  const [keyboard, setKeyboard] = useState(hiddenKeyboard)

  function down(event: Pointer): void {
    if (!tool || event.button !== 0 || pointer.current !== undefined) return
    event.currentTarget.setPointerCapture(event.pointerId)
    pointer.current = event.pointerId
    setKeyboard(hiddenKeyboard)
    sketch.penDown(tool.color, tool.width, pointOf(event, event.currentTarget))
  }

  function move(event: Pointer): void {
    const at = pointOf(event, event.currentTarget)
    sketch.live.presence.set({ x: at[0], y: at[1] })
    if (pointer.current !== event.pointerId) return
    const steps = event.getCoalescedEvents?.() ?? []
    for (const step of steps) sketch.penMove(pointOf(step, event.currentTarget))
    sketch.penMove(at)
  }

  function up(event: Pointer): void {
    if (pointer.current !== event.pointerId) return
    pointer.current = undefined
    sketch.penUp()
  }

  /** Arrows move, space sets the pen down and lifts it. */
  function key(event: TargetedKeyboardEvent<HTMLCanvasElement>): void {
    const step = keySteps[event.key]
    if (!tool || (!step && event.key !== ' ')) return
    event.preventDefault()
    const { x, y, down } = keyboard
    const at = step ? within(x + step[0] * keyStep, y + step[1] * keyStep) : within(x, y)
    if (step && down) sketch.penMove(at)
    if (!step && down) sketch.penUp()
    if (!step && !down) sketch.penDown(tool.color, tool.width, at)
    sketch.live.presence.set({ x: at[0], y: at[1] })
    setKeyboard({ x: at[0], y: at[1], down: step ? down : !down, shown: true })
  }

  function blur(_: TargetedEvent<HTMLCanvasElement>): void {
    if (keyboard.down) sketch.penUp()
    setKeyboard(hiddenKeyboard)
  }

  return {
    keyboard,
    handlers: {
      onPointerDown: down,
      onPointerMove: move,
      onPointerUp: up,
      onPointerCancel: up,
      onPointerLeave: () => sketch.live.presence.set(null),
      onKeyDown: key,
      onBlur: blur,
    },
  }
}

function pointOf(event: PointerEvent, canvas: HTMLCanvasElement): Point {
  const box = canvas.getBoundingClientRect()
  return within(
    ((event.clientX - box.left) / box.width) * paper.width,
    ((event.clientY - box.top) / box.height) * paper.height,
  )
}

function within(x: number, y: number): Point {
  return [clamp(x, paper.width), clamp(y, paper.height)]
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(Math.round(value), 0), max)
}
