import { useEffect, useState } from 'preact/hooks'
import type { ProcessView } from '../../rooms/api.ts'
import { ApiError, call } from './api.ts'
import type { Wire } from './meter.ts'

/** Besides the moments when the connection comes back: a process may rest without our noticing. */
const lookEveryMs = 2_000

/** The visitor's last attack. */
export interface Kill {
  readonly pid: number
  /** Why it was spared. */
  readonly refusal?: ApiError
}

/** The process that serves a room now, while somebody looks, and the way to kill it. */
export function useProcess(room: string, { status }: Wire) {
  const [process, setProcess] = useState<ProcessView>()
  const [lastKill, setLastKill] = useState<Kill>()

  useEffect(() => {
    // Before that the visitor may not even enter.
    if (status !== 'live') return
    let timer: ReturnType<typeof setTimeout>
    let isOver = false
    async function look(): Promise<void> {
      if (!document.hidden) {
        const found = await call<ProcessView>('GET', `/rooms/${room}`).catch(() => undefined)
        if (isOver) return
        setProcess(found)
      }
      timer = setTimeout(look, lookEveryMs)
    }
    void look()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [room, status])

  async function kill(pid: number): Promise<void> {
    setLastKill({ pid })
    try {
      await call('POST', `/rooms/${room}/kill`, { pid })
    } catch (refusal) {
      if (!(refusal instanceof ApiError)) throw refusal
      setLastKill({ pid, refusal })
    }
  }

  return { process, lastKill, kill }
}
