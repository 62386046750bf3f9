-- Adds one row to the audit, once: a call that is repeated because its reply was lost finds its own row.
-- KEYS: audit stream.
-- ARGV: the row's mark, then its fields and values in turn.
-- Returns the row's id.
-- A first write that Redis never refuses for memory; the row after it is not refused either: what somebody does
-- to a full Redis must be written down too.
redis.call('DEL', KEYS[1] .. ':-')
local now = redis.call('TIME')
local lately = (tonumber(now[1]) - 60) * 1000
for _, row in ipairs(redis.call('XREVRANGE', KEYS[1], '+', string.format('%d', lately), 'COUNT', 100)) do
  if row[2][2] == ARGV[1] then return row[1] end
end
return redis.call('XADD', KEYS[1], '*', 'mark', unpack(ARGV))
