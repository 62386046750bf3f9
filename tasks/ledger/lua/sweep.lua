-- Look at what is due in one lane: expire, take back what dead workers held, and say which ids to enqueue.
-- The score is raised here, first; the caller enqueues after. A caller that dies in between costs one ring again.
-- ARGV: prefix, lane, how many may be rung, how many are looked at, ring again ms, poison lapses,
--       then ids that are looked at before all others and rung for whatever room there is
local lane, room, look = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local ring_again, poison_lapses = tonumber(ARGV[5]), tonumber(ARGV[6])
local now = now_ms()
insist()
local rung, ended, suspects = {}, {}, {}
-- Leases first, whatever the backlog: few are out at a time, and a dead worker's must not wait behind those that
-- are due and have no room.
local sending = {}
for _, list in ipairs(redis.call('SMEMBERS', prefix .. ':lists')) do
  if list:sub(1, 8) == 'sending|' then
    for _, number in ipairs(redis.call('ZRANGE', list_key(list), 0, -1)) do sending[#sending + 1] = id_of(number) end
  end
end
for _, id in ipairs(sending) do
  local record = load(id, 'lane', 'lease_until')
  if record.lane == lane and tonumber(record.lease_until) <= now then
    record = load_common(id)
    lapse(record, now, poison_lapses)
    if FINAL[record.state] then
      ended[#ended + 1] = id
      ended[#ended + 1] = record.state
    end
  end
end
local due_now, called = {}, {}
for i = 7, #ARGV do
  local score = tonumber(redis.call('ZSCORE', due_key(lane), ARGV[i]) or nil)
  if score and score <= now then due_now[#due_now + 1], called[ARGV[i]] = ARGV[i], true end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', due_key(lane), '-inf', now, 'LIMIT', 0, look)) do
  if not called[id] then due_now[#due_now + 1] = id end
end
for _, id in ipairs(due_now) do
  local record = load_common(id)
  if record.state and record.state ~= 'sending' and tonumber(record.expires_at) <= now then
    note_event(id, now, 'expired', record.reason or 'not sent in time')
    finish_as(record, 'expired', 'expired: ' .. (record.reason or 'not sent in time'), now)
  end
  if not record.state then
    redis.call('ZREM', due_key(lane), id)
  elseif FINAL[record.state] then
    ended[#ended + 1] = id
    ended[#ended + 1] = record.state
  elseif (record.state == 'queued' or record.state == 'waiting') and (room > 0 or called[id]) then
    local since = tonumber(redis.call('ZSCORE', due_key(lane), id))
    if since <= now then
      if not called[id] then room = room - 1 end
      queue(record, now + ring_again, since)
      rung[#rung + 1] = id
      rung[#rung + 1] = tonumber(record.pass or '0')
      if tonumber(record.lapses or '0') > 0 then suspects[#suspects + 1] = id end
    end
  end
end
return {rung, ended, suspects}
