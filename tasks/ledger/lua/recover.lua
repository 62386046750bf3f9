-- A server is back: queue what waits for a server and for nothing else, oldest first; rung as the queue has room.
-- ARGV: prefix, how many
local now = now_ms()
insist()
local ids = redis.call('ZRANGE', prefix .. ':outage', 0, tonumber(ARGV[2]) - 1)
for _, id in ipairs(ids) do
  local record = load_common(id)
  if record.state == 'waiting' then
    queue(record, now)
  else
    redis.call('ZREM', prefix .. ':outage', id)
  end
end
return #ids
