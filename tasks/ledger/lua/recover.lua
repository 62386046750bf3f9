-- A server may be used again: queue what waits for it, oldest first; rung as the queue has room.
-- ARGV: prefix, fingerprint, how many
local fingerprint = ARGV[2]
local now = now_ms()
insist()
local ids = redis.call('ZRANGE', outage_key(fingerprint), 0, tonumber(ARGV[3]) - 1)
for _, id in ipairs(ids) do
  local record = load_common(id)
  if record.state == 'waiting' then
    queue(record, now, now)
  else
    redis.call('ZREM', outage_key(fingerprint), id)
  end
end
if redis.call('EXISTS', outage_key(fingerprint)) == 0 then redis.call('SREM', prefix .. ':outages', fingerprint) end
return #ids
