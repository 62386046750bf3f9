-- Allow one message to go, over a connection that the caller has or may open; or say when to come again.
-- Both are taken or neither. A message has one name for all its questions, and counts once, at the time at which
-- it was last allowed.
-- Answer: granted, now, 1 where the connection must be closed after the message
--         messages, now, the time reserved; or connections, now, the time to come again
--         changed, now, 0 where the options are newer than those that these limits are of
-- ARGV: prefix, account, message or '', messages per minute (0 = no limit), burst, window ms,
--       connections (0 = no limit), holder or '', worker, 1 where it is urgent, revision key, revision or '',
--       how many messages of a minute are kept for urgent ones, 1 where others call it when they are done
local keys, message, per_minute = names(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local burst, window = tonumber(ARGV[5]), tonumber(ARGV[6])
local limit, holder, worker, urgent = tonumber(ARGV[7]), ARGV[8], ARGV[9], ARGV[10] == '1'
local in_a_minute = per_minute - (urgent and 0 or tonumber(ARGV[13]))
local now = now_ms()
local spacing = math.floor(window / burst)
if options_changed(ARGV[11], ARGV[12]) then return {'changed', now, 0} end
insist()

local function forget_turns()
  redis.call('DEL', keys.turns, keys.urgent)
  redis.call('HDEL', keys.notes, 'put_off')
end

local function tidy()
  if redis.call('HGET', keys.notes, 'per_minute') ~= ARGV[4] then
    forget_turns()
    redis.call('HSET', keys.notes, 'per_minute', per_minute)
  end
  -- Redis' clock was set back: what was allowed later than now was allowed just before.
  local later = redis.call('ZRANGEBYSCORE', keys.granted, '(' .. now, '+inf')
  if #later > 0 then forget_turns() end
  for _, name in ipairs(later) do redis.call('ZADD', keys.granted, now, name) end
  redis.call('ZREMRANGEBYSCORE', keys.granted, '-inf', now - MINUTE_MS)
  redis.call('ZREMRANGEBYSCORE', keys.turns, '-inf', now - TURN_KEPT_MS)
  redis.call('ZREMRANGEBYSCORE', keys.urgent, '-inf', now - TURN_KEPT_MS)
end

local function at_rank(key, rank)
  return tonumber(redis.call('ZREVRANGE', key, rank - 1, rank - 1, 'WITHSCORES')[2] or nil)
end

-- When the message `count` places before was allowed, or is to be; everybody who has a turn stands in between,
-- those who are late for it as if they came now.
local function nth_before(count, ahead, late)
  if ahead >= count then return at_rank(keys.turns, count) end
  if ahead + late >= count then return now end
  return at_rank(keys.granted, count - ahead - late)
end

local function first_in(burst_now, ahead, late)
  local in_window, in_minute = nth_before(burst_now, ahead, late), nth_before(in_a_minute, ahead, late)
  return math.max(now, in_window and in_window + window or now, in_minute and in_minute + MINUTE_MS or now)
end

-- Room is kept for those that are urgent and have a turn: nobody else takes the place that they come for.
local function urgent_ones() return redis.call('ZCOUNT', keys.urgent, now - LATE_MS, '+inf') end

-- What is urgent asks for what was sent alone, past everybody else who has a turn, and behind others of its kind.
local function turn_of_urgent()
  local at = first_in(2 * burst, 0, 0)
  if at > now then
    redis.call('ZREM', keys.urgent, message)
    at = math.max(at, (at_rank(keys.urgent, 1) or 0) + spacing)
  end
  return at
end

-- Who comes at its time or after it goes as soon as the limit allows, and keeps its place near the front. A second
-- burst is there for those who are late, or each delay would be lost for good; but not in a minute in which something
-- urgent took a place out of turn: both together would use the minute up before its end, and the next urgent one
-- would find none.
local function turn_of_expected()
  local last_urgent = tonumber(redis.call('HGET', keys.notes, 'urgent_at') or '0')
  local most = now - last_urgent < MINUTE_MS and burst or 2 * burst
  local at = first_in(most, 0, urgent_ones())
  if at > now then
    at = math.max(at, tonumber(redis.call('HGET', keys.notes, 'put_off') or '0') + spacing)
    redis.call('HSET', keys.notes, 'put_off', at)
  end
  return at
end

-- A newcomer goes behind everybody who has a turn.
local function turn_of_newcomer()
  local ahead = redis.call('ZCOUNT', keys.turns, '(' .. now, '+inf')
  local late = redis.call('ZCOUNT', keys.turns, now - LATE_MS, now) + urgent_ones()
  local at = first_in(burst, ahead, late)
  if ahead > 0 then at = math.max(at, at_rank(keys.turns, 1) + spacing) end
  return at
end

local function turn_of(expected)
  if urgent then return turn_of_urgent() end
  return expected and turn_of_expected() or turn_of_newcomer()
end

local function reserve(at)
  local key = urgent and keys.urgent or keys.turns
  redis.call('ZADD', key, at, message)
  redis.call('PEXPIRE', key, math.max(at_rank(key, 1) - now, 0) + TURN_KEPT_MS)
  note_life(keys, now)
end

local paced, expected = per_minute > 0 and message ~= '', false
if paced then
  tidy()
  local reserved = tonumber(redis.call('ZSCORE', urgent and keys.urgent or keys.turns, message) or nil)
  local asks_again = redis.call('ZREM', keys.granted, message) == 1
  expected = reserved ~= nil or asks_again
  local at = reserved
  if not reserved or reserved <= now then at = turn_of(expected) end
  if at > now then
    reserve(at)
    return {'messages', now, at}
  end
end

local yield = 0
if limit > 0 and holder ~= '' then
  redis.call('HSET', keys.notes, 'connections', limit)
  note_life(keys, now)
  local seen, member = look(keys, now), member_of(holder, worker)
  -- One from before the limit is counted, and wants a place all the same: who finds none closes it.
  local is_held = seen.held[member] and not seen.unasked[member]
  local finds_place = is_held or may_take(seen, worker, now)
  if seen.unasked[member] then finds_place = seen.asked < limit end
  if not finds_place then
    if expected or (paced and urgent) then reserve(now) end
    -- What others call goes over theirs: they close none for it but one that idles, and none is set aside.
    local called, wait = ARGV[14] == '1' and not seen.waits[worker], now + WAITING_MS
    local since = (called and seen.called or seen.waits)[worker] or now
    redis.call('HSET', keys.waiting, worker, string.format('%s%d %d', called and 'called ' or '', since, wait))
    redis.call('PEXPIRE', keys.waiting, WAITING_MS)
    -- The line may be a minute long: who is urgent comes again at once, and finds one that was just given back.
    if urgent then return {'connections', now, now + URGENT_COME_AGAIN_MS} end
    local line = tonumber(redis.call('HGET', keys.notes, 'line') or '0')
    line = math.max(now + COME_AGAIN_MS, line + math.max(math.floor(COME_AGAIN_SPREAD_MS / limit), 1))
    line = math.min(line, now + COME_AGAIN_MOST_MS)
    redis.call('HSET', keys.notes, 'line', line)
    return {'connections', now, line}
  end
  if not is_held then
    if seen.unasked[member] then
      redis.call('SREM', keys.unasked, member)
      seen.unasked[member], seen.asked = nil, seen.asked + 1
    end
    redis.call('HDEL', keys.waiting, worker)
    seen.waits[worker], seen.called[worker] = nil, nil
  end
  hold(keys, seen, holder, worker, now)
  yield = must_yield(keys, seen, holder, worker)
end
if paced then
  redis.call('ZREM', keys.turns, message)
  redis.call('ZREM', keys.urgent, message)
  redis.call('ZADD', keys.granted, now, message)
  if urgent then redis.call('HSET', keys.notes, 'urgent_at', now) end
  redis.call('PEXPIRE', keys.granted, MINUTE_MS)
  note_life(keys, now)
end
return {'granted', now, yield}
