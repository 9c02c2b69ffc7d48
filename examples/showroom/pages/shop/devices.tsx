import { useEffect, useState } from 'preact/hooks'
import type { Device } from '../../visitor/account-api.ts'
import type { ShopProps } from './shop-frame.tsx'

export interface DeviceList {
  readonly list: readonly Device[]
  read(): Promise<void>
  end(id: string): Promise<void>
  endOthers(): Promise<void>
}

/** The live sessions of the user, read again whenever the page comes back into sight. */
export function useDevices({ visit, view }: ShopProps): DeviceList {
  const [list, setList] = useState<readonly Device[]>([])
  async function take(answer: Promise<readonly Device[] | undefined>): Promise<void> {
    const devices = await answer
    if (devices) setList(devices)
    // A refusal, or a list without this device: the session may have ended elsewhere.
    if (!devices?.some(({ isThis }) => isThis)) await visit.read()
  }
  const read = () => take(visit.ask('GET', '/account/devices'))
  useEffect(() => {
    void read()
    const look = () => document.hidden || void read()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [view.id])
  return {
    list,
    read,
    end: (id) => take(visit.ask('POST', '/account/devices/end', { id })),
    endOthers: () => take(visit.ask('POST', '/account/devices/end-others')),
  }
}

export function Devices({ view, words, devices }: ShopProps & { devices: DeviceList }) {
  const { list, end, endOthers } = devices
  const { language } = view.data
  const time = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  return (
    <section class="panel devices" aria-labelledby="devices-title" data-devices={list.length}>
      <h2 id="devices-title">{words.devices.title}</h2>
      <ul>
        {list.map(({ id, device, parentId, createdAtMs, touchedAtMs, isThis }) => (
          <li key={id} data-device={id} data-this={isThis}>
            <div>
              <strong>{device ?? words.devices.unknown}</strong>
              {isThis && <span class="tag">{words.devices.this}</span>}
              {parentId && <span class="tag cool">{words.devices.handed}</span>}
              <p class="quiet">
                {words.devices.since(time.format(createdAtMs))}
                <br />
                {words.devices.last(time.format(touchedAtMs))}
              </p>
            </div>
            {!isThis && (
              <button type="button" class="second" onClick={() => void end(id)}>
                {words.devices.end}
              </button>
            )}
          </li>
        ))}
      </ul>
      <button
        type="button"
        class="end-others"
        disabled={list.length < 2}
        onClick={() => void endOthers()}
      >
        {words.devices.endOthers}
      </button>
      <p class="quiet note">{words.devices.note}</p>
    </section>
  )
}
