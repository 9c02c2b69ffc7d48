import { type Ink, inks, type Width, widths } from '../../board/rules.ts'
import type { Sketch } from './sketch.ts'

export interface Tool {
  readonly color: Ink
  readonly width: Width
}

const inkNames: Readonly<Record<Ink, string>> = {
  '#2b2622': 'Ink',
  '#b4472a': 'Brick',
  '#c98a1b': 'Amber',
  '#2f7d4f': 'Leaf',
  '#1f6f8b': 'Lake',
  '#6b4a9e': 'Iris',
}
const widthNames: Readonly<Record<Width, string>> = { 3: 'Fine', 7: 'Medium', 16: 'Broad' }

export function Toolbar(props: { sketch: Sketch; tool: Tool; onTool: (tool: Tool) => void }) {
  const { sketch, tool, onTool } = props
  return (
    <div class="toolbar">
      <fieldset>
        <legend class="hidden">Colour</legend>
        {inks.map((color) => (
          <label key={color} class="swatch" style={{ '--ink': color }} title={inkNames[color]}>
            <input
              type="radio"
              name="color"
              checked={tool.color === color}
              onChange={() => onTool({ ...tool, color })}
            />
            <span class="hidden">{inkNames[color]}</span>
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend class="hidden">Width</legend>
        {widths.map((width) => (
          <label key={width} class={`nib nib-${width}`} title={widthNames[width]}>
            <input
              type="radio"
              name="width"
              checked={tool.width === width}
              onChange={() => onTool({ ...tool, width })}
            />
            <span class="hidden">{widthNames[width]}</span>
          </label>
        ))}
      </fieldset>
      <div class="row">
        <button type="button" class="second" onClick={() => void sketch.undo()}>
          Undo mine
        </button>
        <button type="button" class="second" onClick={() => void sketch.clear()}>
          Clear
        </button>
      </div>
      <p id="keys" class="quiet">
        Arrow keys move the pen, space sets it down and lifts it.
      </p>
    </div>
  )
}
