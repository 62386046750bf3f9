-- Queue what was held under an options revision older than the one given; they are rung as the queue has room.
-- ARGV: prefix, revision, how many
local now = now_ms()
insist()
local ids = redis.call('ZRANGEBYSCORE', prefix .. ':held', '-inf', '(' .. ARGV[2], 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(ids) do
  local record = load_common(id)
  if record.state == 'held' then
    queue(record, now)
  else
    redis.call('ZREM', prefix .. ':held', id)
  end
end
return #ids
