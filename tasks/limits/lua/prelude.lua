-- Put before every script of the limits: names of keys, and who holds and who awaits a connection.
--
-- An account is one mailbox on one host. Under <prefix>:limit:<account>:
--   granted   when each message was last allowed to go, for a minute       sorted set
--   turns     the times reserved for messages that wait                    sorted set
--   urgent    the same for those that go before all of them                sorted set
--   slots     "<holder> <worker>" and the end of its lease                 sorted set
--   unasked   those of them that were opened while there was no limit      set
--   yielding  those of them that were told to close                        set
--   waiting   worker -> "<since> <until>": refused a connection lately;    hash
--             after "called", others call what it has when they are done
--   notes     limits last heard of, and how far apart those refused return hash
-- Times are Unix milliseconds; the constants in capitals come from timing.py.
local prefix = ARGV[1]

local function names(account)
  local base = prefix .. ':limit:' .. account .. ':'
  return {granted = base .. 'granted', turns = base .. 'turns', urgent = base .. 'urgent',
          slots = base .. 'slots', unasked = base .. 'unasked',
          yielding = base .. 'yielding', waiting = base .. 'waiting', notes = base .. 'notes'}
end

-- A first write that Redis never refuses for memory; the writes after it are not refused either.
local function insist() redis.call('DEL', prefix .. ':-') end

-- Whether the options are newer than those that the caller goes by.
local function options_changed(key, revision)
  return revision ~= '' and (redis.call('HGET', key, 'revision') or '0') ~= revision
end

local function member_of(holder, worker) return holder .. ' ' .. worker end

local function note_life(keys, now)
  local last = redis.call('ZREVRANGE', keys.turns, 0, 0, 'WITHSCORES')[2]
  redis.call('PEXPIRE', keys.notes, math.max(tonumber(last or now) - now, 0) + NOTES_KEPT_MS)
end

-- Who holds how many connections, and which workers wait for one.
local function look(keys, now)
  redis.call('ZREMRANGEBYSCORE', keys.slots, '-inf', now)
  local seen = {limit = tonumber(redis.call('HGET', keys.notes, 'connections') or '0'),
                used = 0, asked = 0, held = {}, unasked = {}, counts = {}, waits = {}, called = {}}
  for _, member in ipairs(redis.call('ZRANGE', keys.slots, 0, -1)) do
    local worker = member:match(' (.+)$')
    seen.used, seen.held[member] = seen.used + 1, true
    seen.counts[worker] = (seen.counts[worker] or 0) + 1
  end
  seen.asked = seen.used
  for _, member in ipairs(redis.call('SMEMBERS', keys.unasked)) do
    if seen.held[member] then
      seen.unasked[member], seen.asked = true, seen.asked - 1
    else
      redis.call('SREM', keys.unasked, member)
    end
  end
  local flat = redis.call('HGETALL', keys.waiting)
  for i = 1, #flat, 2 do
    local kind, since, till = flat[i + 1]:match('^(%a*) ?(%d+) (%d+)$')
    if tonumber(till) > now then
      seen[kind == '' and 'waits' or 'called'][flat[i]] = tonumber(since)
    else
      redis.call('HDEL', keys.waiting, flat[i])
    end
  end
  return seen
end

-- A free connection is set aside for those who wait and hold fewer, or as few and for longer.
local function may_take(seen, worker, now)
  if seen.limit == 0 then return true end
  local mine, since, owed = seen.counts[worker] or 0, seen.waits[worker] or now, 0
  for other, other_since in pairs(seen.waits) do
    local theirs = seen.counts[other] or 0
    if theirs < mine
        or (theirs == mine and (other_since < since or (other_since == since and other < worker))) then
      owed = owed + 1
    end
  end
  return seen.limit - seen.used > owed
end

-- How many workers with none, or with fewer by two or more, are among these.
local function poorer(seen, worker, waits)
  local count = 0
  for other in pairs(waits) do
    local theirs = seen.counts[other] or 0
    if theirs == 0 or theirs < seen.counts[worker] - 1 then count = count + 1 end
  end
  return count
end

local function hold(keys, seen, holder, worker, now)
  local member = member_of(holder, worker)
  if not seen.held[member] then
    seen.held[member], seen.used, seen.asked = true, seen.used + 1, seen.asked + 1
    seen.counts[worker] = (seen.counts[worker] or 0) + 1
    redis.call('SREM', keys.yielding, member)
  end
  redis.call('ZADD', keys.slots, now + SLOT_LEASE_MS, member)
  redis.call('PEXPIRE', keys.slots, SLOT_LEASE_MS)
end

-- Whether a connection must be closed after its message, because a worker with none, or with fewer by two or
-- more, waits; or because the limit was lowered, or is new. No more are told so than it takes.
local function must_yield(keys, seen, holder, worker)
  local member = member_of(holder, worker)
  if seen.limit == 0 then return 0 end
  local told = 0
  for _, other in ipairs(redis.call('SMEMBERS', keys.yielding)) do
    if not seen.held[other] then
      redis.call('SREM', keys.yielding, other)
    elseif other == member then
      return 1
    else
      told = told + 1
    end
  end
  -- Those that never had a place within the limit go first.
  local needed = (seen.unasked[member] and seen.used or seen.asked) - seen.limit
  needed = needed + poorer(seen, worker, seen.waits)
  if needed <= told then return 0 end
  redis.call('SADD', keys.yielding, member)
  redis.call('PEXPIRE', keys.yielding, NOTES_KEPT_MS)
  return 1
end
