import { describe, expect, it } from 'vitest'
import { newToken } from '../../base/secrets/index.ts'
import { headerCarrier } from './header.ts'

const [one, other] = [newToken(), newToken()]

describe('headers that hold tokens', () => {
  it.each([
    ['a bearer', { authorization: `Bearer ${one}` }, [one], [one]],
    ['a bearer of somebody else', { authorization: 'Bearer eyJhbGciOi.x.y' }, [], []],
    ['its own header', { 'x-session': one }, [], [one]],
    ['both, alike', { authorization: `bearer ${one}`, 'x-session': one }, [one], [one]],
    ['both, unlike', { authorization: `Bearer ${one}`, 'x-session': other }, [one], [one, other]],
    ['its own header twice', { 'x-session': `${one}, ${other}` }, [], [one, other]],
    ['a text that is no token', { 'x-session': 'hello' }, [], []],
    ['nothing', {}, [], []],
  ])('finds %s', (_, headers, byDefault, withOwn) => {
    expect(headerCarrier({ bearer: true, header: undefined }).read(headers)).toEqual(byDefault)
    expect(headerCarrier({ bearer: true, header: 'x-session' }).read(headers)).toEqual(withOwn)
  })

  it.each([
    ['authorization', `Bearer ${one}`, undefined],
    ['authorization', `bearer  ${one}`, undefined],
    ['authorization', 'Basic eDp5', 'Basic eDp5'],
    ['authorization', 'Bearer eyJhbGciOi.x.y', 'Bearer eyJhbGciOi.x.y'],
    ['x-session', one, undefined],
    ['x-session', 'hello', undefined],
    ['x-other', `Bearer ${one}`, `Bearer ${one}`],
  ])('leaves of %s: %s only %s', (name, value, left) => {
    expect(headerCarrier({ bearer: true, header: 'x-session' }).without(name, value)).toBe(left)
  })

  it('reads no bearer when that is closed', () => {
    const headers = { authorization: `Bearer ${one}`, 'x-session': other }
    expect(headerCarrier({ bearer: false, header: 'x-session' }).read(headers)).toEqual([other])
    expect(headerCarrier({ bearer: false, header: undefined }).read(headers)).toEqual([])
  })
})
