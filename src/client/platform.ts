/** What the client takes from the browser or from Node; all of it may be missing. */
import type { SocketLike } from './link.ts'

interface Platform {
  readonly location?: { readonly href: string }
  readonly WebSocket?: new (url: string, protocols?: string[]) => SocketLike
  readonly document?: { readonly visibilityState: string }
  readonly addEventListener?: (type: string, listener: () => void) => void
  readonly removeEventListener?: (type: string, listener: () => void) => void
  readonly dispatchEvent?: (event: object) => boolean
  readonly Event?: new (type: string) => object
}
const platform = globalThis as unknown as Platform

/** @throws TypeError for an address that is no URL, or has no host outside of a page */
export function websocketUrl(address: string): string {
  const url = new URL(address, platform.location?.href)
  url.protocol = url.protocol.replace(/^http/, 'ws')
  url.hash = ''
  return url.href
}

export function openSocket(url: string, protocols?: string[]): SocketLike {
  if (!platform.WebSocket) throw new TypeError('connect(): no WebSocket here; pass `open`')
  return new platform.WebSocket(url, protocols)
}

/** Calls `run` when the network or the user comes back; returns the way out. */
export function onReturn(run: () => void): () => void {
  const whenVisible = (): void => {
    if (platform.document?.visibilityState !== 'hidden') run()
  }
  platform.addEventListener?.('online', run)
  platform.addEventListener?.('visibilitychange', whenVisible)
  return () => {
    platform.removeEventListener?.('online', run)
    platform.removeEventListener?.('visibilitychange', whenVisible)
  }
}

/** Has a page hear that the network is back. */
export function sayOnline(): void {
  if (platform.Event) platform.dispatchEvent?.(new platform.Event('online'))
}
