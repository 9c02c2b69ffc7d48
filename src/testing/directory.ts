/** What every directory must do, as a suite that runs in any test runner. */
import assert from 'node:assert/strict'
import type { Awaitable } from '../base/core/index.ts'
import { append, boardX, type JournalTest, type JournalUnderTest } from './journal-fixtures.ts'
import type { SuiteTools } from './session-store.ts'

/**
 * Describes the contract of `Directory` for one driver.
 *
 * @param name of the driver
 * @param open opens an empty directory with its journal
 */
export function describeDirectory(
  name: string,
  open: () => Awaitable<JournalUnderTest>,
  { describe, it }: SuiteTools,
): void {
  describe(`directory: ${name}`, () => {
    for (const [title, test] of Object.entries(tests))
      it(title, async () => {
        const opened = await open()
        try {
          await test(opened)
        } finally {
          await opened.close()
        }
      })
  })
}

const tests: Readonly<Record<string, JournalTest>> = {
  'raises the epoch and draws a nonce at each claim': async ({ directory }) => {
    const claims = []
    for (let count = 0; count < 5; count += 1) claims.push(await directory.claim(boardX))
    assert.deepEqual(
      claims.map(({ epoch }) => epoch),
      [1, 2, 3, 4, 5],
    )
    assert.equal(new Set(claims.map(({ nonce }) => nonce)).size, 5)
    assert.ok(claims.every(({ nonce }) => nonce.length > 0))
  },
  'gives claims that are made at once an epoch each': async ({ directory }) => {
    const claims = await Promise.all(Array.from({ length: 20 }, () => directory.claim(boardX)))
    assert.equal(new Set(claims.map(({ epoch }) => epoch)).size, 20)
  },
  'names in the claim what was claimed, and counts each name alone': async ({ directory }) => {
    const names = [
      { backend: 'board', key: 'x' },
      { backend: 'board', key: 'X' },
      { backend: 'board', key: 'x.y' },
      { backend: 'boardx', key: 'y' },
      { backend: 'board', key: `~${'k'.repeat(127)}` },
    ]
    for (const name of names) {
      const { epoch, backend, key } = await directory.claim(name)
      assert.deepEqual({ epoch, backend, key }, { epoch: 1, ...name })
    }
  },
  'fences every earlier claim off the journal, in whatever order they come': async (opened) => {
    const { directory, journal } = opened
    const claims = await Promise.all([1, 2, 3, 4].map(() => directory.claim(boardX)))
    const newest = Math.max(...claims.map(({ epoch }) => epoch))
    for (const claim of claims)
      assert.deepEqual(await journal.write([append(claim, 1)]), [claim.epoch === newest])
  },
  'counts on after a crash': async ({ directory, reopen }) => {
    if (!reopen) return
    const before = await directory.claim(boardX)
    const next = await reopen()
    try {
      const after = await next.directory.claim(boardX)
      assert.equal(after.epoch, before.epoch + 1)
      assert.notEqual(after.nonce, before.nonce)
      assert.deepEqual(await next.journal.write([append(before, 1)]), [false])
    } finally {
      await next.close()
    }
  },
}
