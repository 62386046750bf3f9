-- A server may be used again: queue what waits for it, oldest first; rung as the queue has room.
-- Answer: how many were looked at, then id, lane and passes of each that was queued
-- ARGV: prefix, fingerprint, how many
local fingerprint = ARGV[2]
local now = now_ms()
insist()
local ids = redis.call('ZRANGE', outage_key(fingerprint), 0, tonumber(ARGV[3]) - 1)
local answer = {#ids}
for _, id in ipairs(ids) do
  local record = load_common(id)
  if record.state == 'waiting' then
    queue(record, now, now)
    answer[#answer + 1] = id
    answer[#answer + 1] = record.lane
    answer[#answer + 1] = tonumber(record.pass or '0')
  else
    redis.call('ZREM', outage_key(fingerprint), id)
  end
end
if redis.call('EXISTS', outage_key(fingerprint)) == 0 then redis.call('SREM', prefix .. ':outages', fingerprint) end
return answer
