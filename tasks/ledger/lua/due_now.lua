-- Have the sweeper ring at once for what is queued: who recorded it was to ring, and could not.
-- ARGV: prefix, id...
insist()
local now = now_ms()
for at = 2, #ARGV do
  local record = load(ARGV[at], 'state', 'lane')
  if record.state == 'queued' then redis.call('ZADD', due_key(record.lane), 'XX', 'LT', now, record.id) end
end
