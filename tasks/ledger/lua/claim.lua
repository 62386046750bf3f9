-- Take a queued notification, or one whose lease is over, for one pass. The answer brings the whole record.
-- Repeating a call with the same token gives the same claim.
-- ARGV: prefix, id, token, lease ms, longest ms, poison lapses, worker, revision key
--       where the id is blank, the first is taken that waits in a line for a connection: name of the line, lanes...
local SUSPECT_AGAIN_MS = 1000
local LOOKED_AT_IN_LINE = 500
local LOOKED_AT_ONCE = 20

-- A worker that ended while it held several tells not over which. So a worker holds one suspect at a time, and who
-- is innocent is never counted twice beside the one that kills.
local function is_alone(record, worker, longest, now)
  local key = prefix .. ':suspect:' .. worker
  local other = redis.call('GET', key)
  if other and other ~= record.id then
    local held = load(other, 'state', 'worker', 'lease_until')
    if held.state == 'sending' and held.worker == worker and tonumber(held.lease_until) > now then return false end
  end
  redis.call('SET', key, record.id, 'PX', longest)
  return true
end

-- The first in line that is to go by lanes that the caller serves; queued, as if it had been rung for. What has to
-- be tried alone, or has no time left, is left to the due-set.
local function first_in_line(line, now)
  local lanes = {}
  for i = 10, #ARGV do lanes[ARGV[i]] = true end
  for first = 0, LOOKED_AT_IN_LINE - 1, LOOKED_AT_ONCE do
    local ids = redis.call('ZRANGE', outage_key(line), first, first + LOOKED_AT_ONCE - 1)
    for _, id in ipairs(ids) do
      -- The lane alone for a start: many of another one may stand in front of the first that is to be had.
      local lane = redis.call('HGET', record_key(id), 'lane')
      local record = (not lane or lanes[lane]) and load_common(id)
      if record and record.state ~= 'waiting' then
        redis.call('ZREM', outage_key(line), id)
      elseif record and tonumber(record.lapses or '0') == 0 and tonumber(record.expires_at) > now then
        queue(record, now, now)
        return record
      end
    end
    if #ids < LOOKED_AT_ONCE then return nil end
  end
end

local id, token = ARGV[2], ARGV[3]
local lease, longest, poison_lapses = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local now = now_ms()
insist()
local record
if id ~= '' then
  record = load_common(id)
else
  -- Who asks again does not know which one it was.
  local noted = prefix .. ':taken:' .. token
  id = redis.call('GET', noted)
  record = id and load_common(id) or first_in_line(ARGV[9], now)
  if not record then return {'unknown'} end
  id = record.id
  redis.call('SET', noted, id, 'PX', lease)
end
if not record.state then return {'unknown'} end

local mine = record.state == 'sending' and record.token == token
if record.state == 'sending' and not mine then
  if tonumber(record.lease_until) > now then return {'sending'} end
  lapse(record, now, poison_lapses)
end
if not mine then
  if record.state ~= 'queued' then return {record.state} end
  if tonumber(record.expires_at) <= now then
    finish_as(record, 'expired', 'expired', now)
    return {record.state}
  end
  if tonumber(record.lapses or '0') > 0 and not is_alone(record, ARGV[7], longest, now) then
    due(record, now + SUSPECT_AGAIN_MS)
    return {record.state}
  end
  move(record, 'sending')
  redis.call('HSET', record_key(id), 'token', token, 'lease_until', now + lease, 'lease_limit', now + longest,
             'worker', ARGV[7])
  due(record, now + lease)
end
local more = load(id, 'content', 'memory', 'unsure_server', 'unsure_at', 'attempts', 'kind', 'trace')
return {'claimed', now, record.number, record.channel, record.lane, record.accepted_at, record.expires_at,
        record.outcomes, record.pass or '0', record.lapses or '0', more.content, more.memory or '',
        more.unsure_server or '', more.unsure_at or '0', more.attempts or '0',
        redis.call('HGET', ARGV[8], 'revision') or '0', more.kind or '', more.trace or '', id}
