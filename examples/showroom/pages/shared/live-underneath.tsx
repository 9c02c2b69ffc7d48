/** The panel of every live room: its process, its connection, and two buttons that try them hard. */
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { Meter, type Wire } from './meter.ts'
import { type Fact, Underneath } from './underneath.tsx'
import { type Kill, useProcess } from './use-process.ts'
import { useChanges } from './visit.ts'

interface Network {
  isOffline: boolean
}

export function LiveUnderneath(props: {
  live: Wire
  /** `<backend>/<key>`. */
  room: string
  /** What can cut the connection of this page, and of no other. */
  network?: Network
  /** What this room adds to the list. */
  facts?: readonly Fact[]
  /** What to try here. */
  children?: ComponentChildren
}) {
  const { live, room, network, facts = [], children } = props
  const meter = useMeter(live)
  const { process, lastKill, kill } = useProcess(room, live)
  const [isOffline, setOffline] = useState(network?.isOffline ?? false)
  const isClosed = live.status === 'closed'
  const pid = isClosed ? null : process?.pid

  function toggle(network: Network): void {
    network.isOffline = !network.isOffline
    setOffline(network.isOffline)
  }

  return (
    <Underneath
      title="What happens underneath"
      facts={[
        { label: 'Instance', value: <code>{room.replace('/', ' / ')}</code> },
        { label: 'Process', value: pid ? <code data-pid={pid}>{pid}</code> : 'none now' },
        { label: 'Started', value: timeOf(pid ? process?.startedAtMs : null) },
        { label: 'Connection', value: stateOf(live, isOffline) },
        ...figuresOf(live, meter),
        ...facts,
      ]}
    >
      {!isClosed && (
        <div class="row">
          {process?.mayKill && (
            <button
              type="button"
              class="second danger"
              disabled={!pid}
              onClick={() => pid && void kill(pid)}
            >
              Kill the process
            </button>
          )}
          {network && (
            <button type="button" class="second" onClick={() => toggle(network)}>
              {isOffline ? 'Go online' : 'Go offline'}
            </button>
          )}
        </div>
      )}
      <p role="status" class="outcome">
        {outcomeOf({ isOffline, lastKill, pid, live, outageMs: meter.lastOutageMs })}
      </p>
      {children}
    </Underneath>
  )
}

/** What happened to the visitor's own attack, in words. */
function outcomeOf(now: {
  isOffline: boolean
  lastKill: Kill | undefined
  pid: number | null | undefined
  live: Wire
  outageMs: number | undefined
}): string | undefined {
  const { isOffline, lastKill, pid, live, outageMs } = now
  if (isOffline)
    return 'You are offline, alone: the others go on. What you do now is kept, and sent when you are back.'
  if (!lastKill) return undefined
  if (lastKill.refusal) return `${lastKill.refusal.message} ${lastKill.refusal.hint}`
  if (live.status !== 'live' || !pid || pid === lastKill.pid)
    return `Process ${lastKill.pid} is dead. Another one takes over …`
  const after = outageMs === undefined ? '' : ` ${Math.max(1, Math.round(outageMs))} ms later`
  return `Process ${lastKill.pid} is dead.${after} ${pid} went on, with everything.`
}

function figuresOf({ link }: Wire, meter: Meter): Fact[] {
  const { seq, roundTripMs } = link
  return [
    { label: 'Change', value: <span data-seq={seq}>{`no. ${whole.format(seq)}`}</span> },
    {
      label: 'Round trip',
      value: roundTripMs === undefined ? '—' : `${roundTripMs.toFixed(1)} ms`,
    },
    { label: 'Received', value: perSecond(meter.receivedPerSecond) },
    { label: 'Sent', value: perSecond(meter.sentPerSecond) },
  ]
}

function stateOf({ status, error }: Wire, isOffline: boolean): string {
  if (isOffline) return 'offline'
  return error ? `${status} (${error.code})` : status
}

const whole = new Intl.NumberFormat('en')
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const timeOf = (atMs: number | null | undefined): string => (atMs ? clock.format(atMs) : '—')

function perSecond(bytes: number): string {
  return bytes < 1000 ? `${Math.round(bytes)} B/s` : `${(bytes / 1000).toFixed(1)} kB/s`
}

function useMeter(live: Wire): Meter {
  const meter = useMemo(() => new Meter(live), [live])
  useChanges(meter)
  useEffect(() => () => meter.close(), [meter])
  return meter
}
