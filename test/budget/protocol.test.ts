/** docs/protocol.md is true: its example is what the code writes, its tables are the code's. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { valueCodes } from '../../src/base/codec/format.ts'
import { track } from '../../src/base/state/index.ts'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex')

it('the worked example is what the tracker writes', () => {
  const written = [...page.matchAll(/^(?:snapshot|frame) +((?:[0-9a-f]{2} ?)+)$/gm)].map(
    ([, text = '']) => text.replaceAll(' ', ''),
  )
  const tracked = track<{ clicks?: number; list?: (string | number)[] }>({ clicks: 0 })
  const seen = [hex(tracked.snapshot())]
  tracked.state.clicks = 1
  tracked.state.list = ['a']
  seen.push(hex(tracked.flush()))
  tracked.state.list.push(2.5)
  delete tracked.state.clicks
  seen.push(hex(tracked.flush()))
  expect(written).toEqual(seen)
})

it('the table of values is the one of the code', () => {
  const rows = [...page.matchAll(/^\| ([0-9a-f]{2})(?:–[0-9a-f]{2})? \| (\w+) \|/gm)]
  const written = rows.map(([, code = '', name = '']) => [name, Number.parseInt(code, 16)])
  expect(Object.fromEntries(written)).toEqual(valueCodes)
})
