// token-law in Lua, for Valkey: the same steps in the same order, so that one turn is one atomic
// command. The ledger is one key of JSON. Change this only together with token-law; the service
// test replays random histories on both.

import { LEASE_MS, PASSED_MS_MAX, SHORT_MS, SILENT_MS } from './token-law.ts'

/**
 * KEYS[1] the ledger, ARGV[1] the request as JSON; answers JSON. A restart, a restored backup and
 * a promoted replica all have another server id, so their memory does not count. ARGV[2] is
 * a server id and the time instead, for tests alone.
 */
export const TOKEN_SCRIPT = `
local request = cjson.decode(ARGV[1])
local id, now
if ARGV[2] then
  id, now = ARGV[2], tonumber(ARGV[3])
else
  local time = redis.call('time')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
  id = string.match(redis.call('info', 'server'), 'run_id:(%w+)') .. '/' ..
    (string.match(redis.call('info', 'replication'), 'master_replid:(%w+)') or '')
end
local text = redis.call('get', KEYS[1])
local ledger = text and cjson.decode(text)
if not ledger or ledger.server ~= id then
  ledger = { server = id, epoch = request.nonce, clock = now, readAt = now, since = now,
    open = false, schedulers = {}, pools = {} }
end
local passed = now - (ledger.readAt or now)
if passed < 0 or passed > ${PASSED_MS_MAX} then passed = 0 end
ledger.clock = (ledger.clock or now) + passed
ledger.readAt = now
now = ledger.clock

local function finish(answer)
  redis.call('set', KEYS[1], cjson.encode(ledger))
  return cjson.encode(answer)
end
local function includes(list, wanted)
  for _, one in ipairs(list) do if one == wanted then return true end end
  return false
end
local function sum(isMeant)
  local total = 0
  for _, pool in pairs(ledger.pools) do
    if isMeant(pool) then for _, n in pairs(pool.held) do total = total + n end end
  end
  return total
end

if request.epoch ~= ledger.epoch then return finish({ kind = 'epoch', epoch = ledger.epoch }) end
local self = request.scheduler
local known = ledger.schedulers[self]
if known and request.life < known.life then return finish({ kind = 'superseded' }) end
if known and request.life == known.life and request.serial <= known.serial then
  return finish({ kind = 'late' })
end

ledger.schedulers[self] = { life = request.life, serial = request.serial,
  expires = now + ${LEASE_MS}, outlivesMs = request.outlivesMs }
for _, pool in pairs(ledger.pools) do pool.held[self] = nil end
for name, wish in pairs(request.pools) do
  local pool = ledger.pools[name] or { group = wish.group, limit = wish.limit,
    revision = wish.revision, shortAt = 0, held = {} }
  ledger.pools[name] = pool
  if wish.revision >= pool.revision then
    pool.group, pool.limit, pool.revision = wish.group, wish.limit, wish.revision
  end
  if wish.holds > 0 then pool.held[self] = wish.holds end
end

local buried = {}
for other, one in pairs(ledger.schedulers) do
  local silent = includes(request.gone, other) and now > one.expires + ${SILENT_MS}
  if silent or now > one.expires + one.outlivesMs then buried[#buried + 1] = other end
end
for _, other in ipairs(buried) do
  ledger.schedulers[other] = nil
  for _, pool in pairs(ledger.pools) do pool.held[other] = nil end
end

if not ledger.open then
  local age = now - ledger.since - ${LEASE_MS}
  local accounted = request.roster ~= nil
  for _, other in ipairs(request.roster or {}) do
    local silent = includes(request.gone, other) and age > ${SILENT_MS}
    if not ledger.schedulers[other] and not silent then accounted = false end
  end
  ledger.open = accounted or age > request.outlivesMs
end

local names = {}
for name in pairs(request.pools) do names[#names + 1] = name end
table.sort(names)
local pools = {}
for _, name in ipairs(names) do
  local pool, wish = ledger.pools[name], request.pools[name]
  local free = math.min(
    pool.limit - sum(function(one) return one == pool end),
    wish.groupLimit - sum(function(one) return one.group == pool.group end),
    request.limit - sum(function() return true end))
  local granted = ledger.open and math.max(math.min(wish.wants, free), 0) or 0
  if granted > 0 then pool.held[self] = (pool.held[self] or 0) + granted end
  if granted < wish.wants then pool.shortAt = now end
  pools[name] = { granted = granted, recalled = free < 0 or now < pool.shortAt + ${SHORT_MS} }
end
for name, pool in pairs(ledger.pools) do
  if next(pool.held) == nil then ledger.pools[name] = nil end
end
return finish({ kind = 'turned', open = ledger.open, pools = pools })`
