/**
 * The methods of the store as Lua, each carried out by the server in one step.
 *
 * All keys start with KEYS[1], the prefix; its hash tag keeps them on one node of a Cluster.
 *   :session:<id>    hash   version, bytes, touched, expires, ends, about, user?, parent?
 *   :token:<hash>    hash   session, and once it isn't current: reason, grace?, kept
 *   :tokens:<id>     zset   hashes of a session by the time that they are kept until
 *   :user:<user>     zset   sessions of a user by their last use
 *   :children:<id>   set    what was handed over from a session
 *   :due             zset   sessions by their end; whoever takes one out of it ends it
 *   :ids             zset   sessions by id
 *   :code:<hash>     hash   bytes, until
 *   :ends            stream of ids and reasons, numbered by :position
 *   :changed         channel on which every change of a session is told, by its id
 *   :silent          is there while a change could not be told
 *   :known           is there until somebody empties the database
 *
 * A script that fails in the middle isn't rolled back: whatever can be wrong is checked before the
 * first write, and the server refuses writes (read-only, out of memory) at the first one only.
 */
import { createHash } from 'node:crypto'
import type { SessionStore } from '../../web/session/index.ts'

/**
 * What the engine forgets by itself it keeps so long beyond its time, measured by the server's
 * clock: the clock of the application alone decides what is live.
 */
const slackMs = 3600e3
/** The engine's own limit is further off, but not by much. */
const keptMsMax = 1e15
/** Long enough for every process to read the feed many times over. */
const endsKeptMs = 3600e3
/** Longer than any beat is waited for: who missed a change forgets everything. */
const silentMs = 60_000
/** How many ids one step of a scan looks at, live or not. */
const scannedMax = 200

/** ARGV[1] is the time of the call. */
const base = `
local prefix, now = KEYS[1], tonumber(ARGV[1])
local call = redis.call
local function key(kind, name) return prefix .. ':' .. kind .. ':' .. name end
local function whole(number) return string.format('%.0f', number) end

local function live(id)
  local times = call('HMGET', key('session', id), 'expires', 'ends')
  return times[1] and tonumber(times[1]) > now and tonumber(times[2]) > now
end
-- Where somebody may not publish nobody's beats come through, so that nobody relies on the news.
local function changed(id)
  local told = redis.pcall('PUBLISH', prefix .. ':changed', id)
  if type(told) == 'table' and told.err then call('SET', prefix .. ':silent', 1, 'PX', ${silentMs}) end
end
local function record(id)
  return live(id) and call('HMGET', key('session', id),
    'version', 'bytes', 'touched', 'expires', 'ends', 'about')
end
`

const keeping = `
local function keep(name, untilMs)
  local ms = math.min(math.max(tonumber(untilMs) - now, 0), ${keptMsMax}) + ${slackMs}
  if call('PTTL', name) < ms then call('PEXPIRE', name, whole(ms)) end
end
`

const moving = `
local function move(id, touched, expires)
  local name = key('session', id)
  local was = call('HMGET', name, 'touched', 'expires', 'ends', 'user')
  if tonumber(touched) > tonumber(was[1]) then
    call('HSET', name, 'touched', touched)
    if was[4] then call('ZADD', key('user', was[4]), 'XX', touched, id) end
  end
  if tonumber(expires) > tonumber(was[2]) then
    call('HSET', name, 'expires', expires)
    call('ZADD', prefix .. ':due', 'XX', whole(math.min(tonumber(expires), tonumber(was[3]))), id)
  end
end
`

/**
 * Positions follow the clock, so that they also grow when the server forgot the last one: after a
 * restart without a disk, or at the fail-over to a replica that lagged.
 */
const ending = `
local function tell(id, reason)
  local last = tonumber(call('GET', prefix .. ':position') or 0)
  local position = whole(math.max(last + 1, now * 1000))
  call('SET', prefix .. ':position', position)
  call('XADD', prefix .. ':ends', position, 'id', id, 'reason', reason, 'at', ARGV[1])
end

local function remove(id, reason, untilMs)
  local of = call('HMGET', key('session', id), 'user', 'parent')
  if of[1] then call('ZREM', key('user', of[1]), id) end
  if of[2] then call('SREM', key('children', of[2]), id) end
  for _, hash in ipairs(call('ZRANGE', key('tokens', id), 0, -1)) do
    local token = key('token', hash)
    call('HSET', token, 'session', id, 'reason', reason, 'kept', untilMs)
    call('HDEL', token, 'grace')
    call('PERSIST', token)
    keep(token, untilMs)
  end
  call('ZREM', prefix .. ':ids', id)
  call('DEL', key('session', id), key('tokens', id), key('children', id))
  tell(id, reason)
  changed(id)
end

local function end_all(ids, reason, untilMs)
  local all = {}
  local function take(id)
    if call('ZREM', prefix .. ':due', id) == 1 then all[#all + 1] = id end
  end
  for _, id in ipairs(ids) do take(id) end
  local index = 1
  while all[index] do
    local id = all[index]
    for _, child in ipairs(call('SMEMBERS', key('children', id))) do take(child) end
    remove(id, reason, untilMs)
    index = index + 1
  end
  return all
end
`

/** What the engine forgot before it was swept leaves its id with the user: removed here. */
const ofUsers = `
local function of_user(user)
  local ids = {}
  for _, id in ipairs(call('ZREVRANGE', key('user', user), 0, -1)) do
    if live(id) then ids[#ids + 1] = id
    elseif call('EXISTS', key('session', id)) == 0 then call('ZREM', key('user', user), id) end
  end
  return ids
end
`

/** A session, what it was handed over from, and so on. */
const lines = `
local function line(id)
  local ids, count = {}, 0
  while id do
    ids[id] = true
    count = count + 1
    id = live(id) and call('HGET', key('session', id), 'parent')
  end
  return ids, count
end
local function without(ids, kept)
  local others = {}
  for _, id in ipairs(ids) do if not kept[id] then others[#others + 1] = id end end
  return others
end
`

/** ARGV[2] to ARGV[14]: the record, the hash of its token and the limit of its user. */
const adding = `
local id, hash, version, bytes = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local touched, expires, ends, about = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local user, parent, sessions_max = ARGV[10], ARGV[11], tonumber(ARGV[12])

local function fault(replaced)
  if call('ZSCORE', prefix .. ':due', id) or call('EXISTS', key('token', hash)) == 1 then
    return 'taken'
  end
  if parent ~= '' and (not live(parent) or (replaced and line(parent)[replaced])) then
    return 'orphan'
  end
end

local function add()
  local name, token, tokens = key('session', id), key('token', hash), key('tokens', id)
  call('HSET', name, 'version', version, 'bytes', bytes, 'touched', touched,
    'expires', expires, 'ends', ends, 'about', about)
  if user ~= '' then call('HSET', name, 'user', user) end
  if parent ~= '' then call('HSET', name, 'parent', parent) end
  call('HSET', token, 'session', id)
  call('ZADD', tokens, '+inf', hash)
  for _, one in ipairs({ name, token, tokens }) do keep(one, ends) end
  call('ZADD', prefix .. ':due', whole(math.min(tonumber(expires), tonumber(ends))), id)
  call('ZADD', prefix .. ':ids', 0, id)
  if parent ~= '' then
    call('SADD', key('children', parent), id)
    keep(key('children', parent), ends)
  end
  if user == '' then return {} end
  call('ZADD', key('user', user), touched, id)
  keep(key('user', user), ends)
  if not sessions_max then return {} end
  local kept, count = line(id)
  local others = without(of_user(user), kept)
  local evicted = {}
  for index = math.max(sessions_max - count, 0) + 1, #others do
    evicted[#evicted + 1] = others[index]
  end
  return end_all(evicted, ARGV[13], ARGV[14])
end
`

const create = `
local wrong = fault()
if wrong then return wrong end
return add()
`

const replace = `
local old = ARGV[15]
if not live(old) then return 'gone' end
if call('HGET', key('session', old), 'version') ~= ARGV[16] then return 'conflict' end
local wrong = fault(old)
if wrong then return wrong end
local ended = end_all({ old }, ARGV[17], ARGV[18])
return { ended, add() }
`

const read = `
local token = call('HMGET', key('token', ARGV[2]), 'session', 'reason', 'grace', 'kept')
if not token[1] then return false end
if token[2] and not (token[3] and tonumber(token[3]) > now) then
  return tonumber(token[4]) > now and token[2]
end
local found = record(token[1])
if found and token[2] then found[7] = 'replaced' end
return found or 'expired'
`

const commit = `
local id = ARGV[2]
if not live(id) then return 'gone' end
if call('HGET', key('session', id), 'version') ~= ARGV[3] then return 'conflict' end
call('HSET', key('session', id), 'bytes', ARGV[4])
call('HINCRBY', key('session', id), 'version', 1)
if ARGV[5] ~= '' then move(id, ARGV[5], ARGV[6]) end
changed(id)
return 'committed'
`

const touch = `
if not live(ARGV[2]) then return 0 end
move(ARGV[2], ARGV[3], ARGV[4])
changed(ARGV[2])
return 1
`

const rotate = `
local id, grace, kept = ARGV[2], ARGV[5], ARGV[6]
local old, new, tokens = key('token', ARGV[3]), key('token', ARGV[4]), key('tokens', id)
if not live(id) then return 'gone' end
local was = call('HMGET', old, 'session', 'reason')
if was[1] ~= id or was[2] then return 'superseded' end
if call('EXISTS', new) == 1 then return 'taken' end
call('HSET', new, 'session', id)
keep(new, call('HGET', key('session', id), 'ends'))
call('HSET', old, 'reason', 'rotated', 'grace', grace, 'kept', kept)
call('PERSIST', old)
keep(old, kept)
call('ZREMRANGEBYSCORE', tokens, '-inf', ARGV[1])
call('ZADD', tokens, kept, ARGV[3], '+inf', ARGV[4])
changed(id)
return 'rotated'
`

const destroy = `
if not live(ARGV[2]) then return {} end
return end_all({ ARGV[2] }, ARGV[3], ARGV[4])
`

const listByUser = `
local found = {}
for index, id in ipairs(of_user(ARGV[2])) do found[index] = record(id) end
return found
`

const destroyByUser = `
local kept = line(ARGV[5] ~= '' and ARGV[5])
return end_all(without(of_user(ARGV[2]), kept), ARGV[3], ARGV[4])
`

const sweep = `
local feed, past, limit = prefix .. ':ends', ARGV[2], ARGV[3]
local young = tonumber(past) - ${endsKeptMs}
local last
for _, entry in ipairs(call('XRANGE', feed, '-', '+', 'COUNT', limit)) do
  if tonumber(entry[2][6]) > young then break end
  last = entry[1]
end
local ids = call('ZRANGEBYSCORE', prefix .. ':due', '-inf', past, 'LIMIT', 0, limit)
local ended = end_all(ids, 'expired', ARGV[4])
if last then call('XTRIM', feed, 'MINID', whole(tonumber(string.match(last, '^%d+')) + 1)) end
return ended
`

const ends = `
return call('XRANGE', prefix .. ':ends', whole(tonumber(ARGV[2]) + 1), '+', 'COUNT', ARGV[3])
`

/** Says after which id to go on, unless it came to the end. */
const scan = `
local limit = tonumber(ARGV[3])
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local ids = call('ZRANGEBYLEX', prefix .. ':ids', from, '+', 'LIMIT', 0, ${scannedMax})
local found = {}
for _, id in ipairs(ids) do
  if #found == limit then break end
  local one = record(id)
  if one then found[#found + 1] = one end
end
return { #ids == ${scannedMax} and ids[#ids], found }
`

/** Comes through only if every change did: an emptied database is one, too. */
const beat = `
if call('EXISTS', prefix .. ':silent') == 1 then return 0 end
if call('SET', prefix .. ':known', 1, 'NX') then call('PUBLISH', prefix .. ':changed', '') end
return call('PUBLISH', prefix .. ':changed', ARGV[2])
`

const putCode = `
local code = key('code', ARGV[2])
if call('EXISTS', code) == 1 then return 'taken' end
call('HSET', code, 'bytes', ARGV[3], 'until', ARGV[4])
keep(code, ARGV[4])
return 'kept'
`

const readCode = `
local held = call('HMGET', key('code', ARGV[2]), 'bytes', 'until')
return held[1] and tonumber(held[2]) > now and held[1]
`

const takeCode = `
local code = key('code', ARGV[2])
local held = call('HMGET', code, 'bytes', 'until')
call('DEL', code)
return held[1] and tonumber(held[2]) > now and held[1]
`

/** One script of the store, and the name under which the server remembers it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

function script(...parts: readonly string[]): Script {
  const lua = parts.join('')
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

type Method = Exclude<keyof SessionStore, 'answersAtOnce' | 'watch'> | 'beat'

export const scripts: Readonly<Record<Method, Script>> = {
  create: script(base, keeping, ending, ofUsers, lines, adding, create),
  replace: script(base, keeping, ending, ofUsers, lines, adding, replace),
  read: script(base, read),
  readById: script(base, 'return record(ARGV[2])'),
  commit: script(base, moving, commit),
  touch: script(base, moving, touch),
  rotate: script(base, keeping, rotate),
  destroy: script(base, keeping, ending, destroy),
  listByUser: script(base, ofUsers, listByUser),
  destroyByUser: script(base, keeping, ending, ofUsers, lines, destroyByUser),
  sweep: script(base, keeping, ending, sweep),
  ends: script(base, ends),
  scan: script(base, scan),
  beat: script(base, beat),
  putCode: script(base, keeping, putCode),
  readCode: script(base, readCode),
  takeCode: script(base, takeCode),
}
