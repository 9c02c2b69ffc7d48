import { strokesMax } from '../../board/rules.ts'
import { LiveUnderneath } from '../shared/live-underneath.tsx'
import type { Sketch } from './sketch.ts'

export function BoardUnderneath({ name, sketch }: { name: string; sketch: Sketch }) {
  const { live, network, strokes, acknowledged } = sketch
  return (
    <LiveUnderneath
      live={live}
      network={network}
      room={`board/${name}`}
      facts={[
        { label: 'Strokes', value: `${strokes.length} of ${strokesMax} at most` },
        { label: 'Acknowledged', value: `${acknowledged.length} of yours` },
      ]}
    >
      <p class="quiet">
        A stroke is acknowledged when the journal has every part of it. Kill the process while you
        draw: another one takes over with every stroke.
      </p>
    </LiveUnderneath>
  )
}
