import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type Guard, guard } from './guarded-response.ts'

const names = [
  'writeHead',
  'flushHeaders',
  'write',
  'end',
  'setHeader',
  'appendHeader',
  'removeHeader',
] as const

function setUp() {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const calls: string[] = []
  const told = (one: string): Guard => {
    const note = (...words: unknown[]): ServerResponse => {
      calls.push([one, ...words].join(' ').trim())
      return response
    }
    return {
      writeHead: () => note('writeHead'),
      flushHeaders: () => note('flushHeaders'),
      write: (args) => note('write', args) === response,
      end: (args) => note('end', args),
      changeHead: (name, args) => note(name, args),
      isHeadHeld: true,
      isEndHeld: true,
    }
  }
  return { response, calls, told }
}

describe('a guard', () => {
  it('stands before every method, and calls those of the prototype', () => {
    const { response, calls, told } = setUp()
    const guarded = guard(response, told('a'))
    response.setHeader('x-a', '1')
    response.appendHeader('x-a', '2')
    response.removeHeader('x-a')
    response.writeHead(200)
    response.flushHeaders()
    response.write('b')
    response.end('c')
    expect(calls).toEqual([
      'a setHeader x-a,1',
      'a appendHeader x-a,2',
      'a removeHeader x-a',
      'a writeHead',
      'a flushHeaders',
      'a write b',
      'a end c',
    ])
    guarded.call('setHeader', ['x-real', '1'])
    expect(response.getHeader('x-real')).toBe('1')
  })

  it('pretends from when it is told to, and for itself alone', () => {
    const [one, other] = [setUp(), setUp()]
    const guarded = guard(one.response, one.told('a'))
    guard(other.response, other.told('a'))
    expect([one.response.headersSent, one.response.writableEnded]).toEqual([false, false])
    guarded.pretend()
    expect([one.response.headersSent, one.response.writableEnded]).toEqual([true, true])
    expect(other.response.headersSent).toBe(false)
    guarded.release()
    expect([one.response.headersSent, one.response.writableEnded]).toEqual([false, false])
  })

  it('calls what others put before it, and gives it back', () => {
    const { response, calls, told } = setUp()
    const own = (): unknown => calls.push('logger')
    Object.assign(response, { end: own })
    const guarded = guard(response, told('a'))
    response.end('x')
    expect(calls).toEqual(['a end x'])
    guarded.call('end', ['x'])
    expect(calls).toEqual(['a end x', 'logger'])
    guarded.release()
    expect(response.end).toBe(own)
    for (const name of names.filter((one) => one !== 'end'))
      expect(Object.hasOwn(response, name), name).toBe(false)
  })

  it('may stand before another one, which is left when it goes', () => {
    const { response, calls, told } = setUp()
    guard(response, told('first'))
    const second = guard(response, told('second'))
    response.write('x')
    second.call('write', ['y'])
    second.pretend()
    expect([response.headersSent, response.writableEnded]).toEqual([true, true])
    second.release()
    expect([response.headersSent, response.writableEnded]).toEqual([false, false])
    response.write('z')
    expect(calls).toEqual(['second write x', 'first write y', 'first write z'])
  })
})
