-- Put before every script of the breaker: names of keys, the record, and the moves that several scripts make.
--
-- A record is the hash <prefix>:breaker:<fingerprint>; <prefix>:breakers is the set of those there were.
-- No record means closed. A pause lies over closed and open and leaves them as they are.
-- `changed` is the time of the last change of state of any kind: failures that began before do not count.
-- Times are Unix milliseconds; the constants in capitals come from timing.py.
local prefix = ARGV[1]
local INDEX = prefix .. ':breakers'

local function key_of(fingerprint) return prefix .. ':breaker:' .. fingerprint end
local function number(text) return tonumber(text or '0') end

local function load(fingerprint, now)
  local flat = redis.call('HGETALL', key_of(fingerprint))
  local record = {}
  for i = 1, #flat, 2 do record[flat[i]] = flat[i + 1] end
  if number(record.paused_until) > 0 and number(record.paused_until) <= now then
    record.changed = record.paused_until
    record.paused_until, record.paused_since, record.paused_by, record.paused_reason = nil, nil, nil, nil
  end
  return record
end

-- DEL comes first: Redis then refuses none of the other writes for memory.
local function save(fingerprint, record, now)
  local flat = {}
  for name, value in pairs(record) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  redis.call('DEL', key_of(fingerprint))
  redis.call('HSET', key_of(fingerprint), unpack(flat))
  redis.call('SADD', INDEX, fingerprint)
  -- A pause without an end stays until somebody ends it.
  if record.paused_until ~= '0' then
    local rest_of_pause = math.max(number(record.paused_until) - now, 0)
    redis.call('PEXPIRE', key_of(fingerprint), KEPT_MS + rest_of_pause)
  end
end

local function is_open(record) return record.state == 'open' end
local function probe_runs(record, now) return record.probe_token and number(record.probe_until) > now end

local function state_of(record, now)
  if record.paused_until then return 'paused' end
  if not is_open(record) then return 'closed' end
  if probe_runs(record, now) then return 'half_open' end
  return 'open'
end

-- Whether a transaction that is completed now would change the record; else it need not be told.
local function success_is_news(record, now)
  return is_open(record) or record.streak or record.step or record.signed_in ~= '1'
    or math.abs(now - number(record.last_success)) >= SUCCESS_RESOLUTION_MS
end

-- When it is worth asking again whether the server may be used.
local function again_at(record, now)
  local state = state_of(record, now)
  if state == 'closed' then return now end
  if state == 'paused' then
    if record.paused_until == '0' then return now + LOOK_AGAIN_MS end
    return number(record.paused_until)
  end
  if state == 'half_open' then return number(record.probe_until) end
  return math.max(number(record.next_probe), now + OVERDUE_PROBE_MS)
end

local function back_off(kind, step)
  local first, most = DOWN_PROBE_FIRST_MS, DOWN_PROBE_MOST_MS
  if kind == 'misconfigured' then first, most = MISCONFIGURED_PROBE_FIRST_MS, MISCONFIGURED_PROBE_MOST_MS end
  return math.min(first * 2 ^ math.min(step, 20), most)
end

-- Another wait until the next probe, longer than the one before while it is the same trouble and no
-- transaction was completed in between: a server that passes each probe and fails each message is left alone
-- for longer and longer, too.
local function wait_for_probe(record, kind, now)
  if record.step and record.kind == kind then
    record.step = math.min(number(record.step) + 1, 20)
  else
    record.step = 0
  end
  record.kind = kind
  record.next_probe = now + back_off(kind, record.step)
  record.probe_token, record.probe_until = nil, nil
end

local function open(record, kind, reason, token, now)
  record.state, record.since, record.changed = 'open', now, now
  record.reason, record.opened_by = reason, token
  wait_for_probe(record, kind, now)
end

local function close(record, token, now)
  record.state, record.since, record.changed = 'closed', now, now
  record.reason, record.failures, record.streak, record.closed_by = '', 0, nil, token
  record.next_probe, record.probe_token, record.probe_until = nil, nil, nil
  record.recovered, record.bucket, record.bucket_at = now, RELEASE_FIRST_PER_SECOND * 1000, now
  record.signed_in, record.sign_in_token, record.sign_in_until = '1', nil, nil
  record.last_success = now
end
