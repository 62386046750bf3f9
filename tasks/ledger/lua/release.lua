-- Queue what is held, or waits for servers, under an options revision older than the one given; it is rung as the
-- queue has room.
-- ARGV: prefix, revision, how many, which (held, outage)
local state = ARGV[4] == 'held' and 'held' or 'waiting'
local key = prefix .. ':' .. ARGV[4]
local now = now_ms()
insist()
local ids = redis.call('ZRANGEBYSCORE', key, '-inf', '(' .. ARGV[2], 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(ids) do
  local record = load_common(id)
  if record.state == state then
    queue(record, now, now)
  else
    redis.call('ZREM', key, id)
  end
end
return #ids
