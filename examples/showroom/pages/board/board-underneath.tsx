import { strokesMax } from '../../board/rules.ts'
import { Underneath } from '../shared/underneath.tsx'
import type { Sketch } from './sketch.ts'

const clock = new Intl.DateTimeFormat('en', { timeStyle: 'medium' })

export function BoardUnderneath({ name, sketch }: { name: string; sketch: Sketch }) {
  const { live, strokes, acknowledged } = sketch
  const server = live.state?.server
  return (
    <Underneath
      title="What happens underneath"
      facts={[
        { label: 'Instance', value: <code>{`board / ${name}`}</code> },
        {
          label: 'Process',
          value: server ? <code data-pid={server.pid}>{server.pid}</code> : '—',
        },
        { label: 'Started', value: server ? clock.format(server.startedAtMs) : '—' },
        { label: 'Strokes', value: `${strokes.length} of ${strokesMax} at most` },
        { label: 'Acknowledged', value: `${acknowledged.length} of yours` },
      ]}
    >
      <p class="quiet">
        A stroke is acknowledged when the journal has every part of it. Kill the process (
        <code>kill -9 {server?.pid ?? '…'}</code>) and go on drawing: another one takes over with
        every stroke.
      </p>
    </Underneath>
  )
}
