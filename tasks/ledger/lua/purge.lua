-- Forget records that have been final since before a time: record, timeline, idempotency key and index entries.
-- ARGV: prefix, age ms, how many
local before = now_ms() - tonumber(ARGV[2])
insist()
local ids = redis.call('ZRANGEBYSCORE', prefix .. ':finished', '-inf', before, 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(ids) do
  local record = load(id, 'state', 'key')
  if record.state then redis.call('ZREM', state_key(record.state), id) end
  if record.key then redis.call('DEL', prefix .. ':key:' .. record.key) end
  redis.call('ZREM', prefix .. ':numbers', id)
  redis.call('ZREM', prefix .. ':finished', id)
  redis.call('DEL', record_key(id), prefix .. ':t:' .. id)
end
return #ids
