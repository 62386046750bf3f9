-- Forget records that have been final since before a time, and everything of each: record, timeline, idempotency
-- key, number and index entries. Answer: how many, and whether there are more.
-- ARGV: prefix, age ms, how many
local MOST_TERMS = 5000 -- a record of a thousand recipients has as many terms; no call may take long
local before, limit = now_ms() - tonumber(ARGV[2]), tonumber(ARGV[3])
insist()
local numbers = redis.call('ZRANGEBYSCORE', prefix .. ':finished', '-inf', before, 'LIMIT', 0, limit)
local purged, terms = 0, 0
for _, number in ipairs(numbers) do
  if terms > MOST_TERMS then break end
  local id = id_of(number)
  if id then
    local record = load_common(id)
    local more = load(id, 'key', 'terms')
    if record.list then leave_list(record) end
    if more.key then redis.call('DEL', prefix .. ':key:' .. more.key) end
    for at = 1, #(more.terms or ''), TERM_LENGTH do
      redis.call('ZREM', term_key(more.terms:sub(at, at + TERM_LENGTH - 1)), number)
      terms = terms + 1
    end
    redis.call('HDEL', number_key(number), number % 100)
    redis.call('ZREM', prefix .. ':undelivered', id)
    redis.call('DEL', record_key(id), prefix .. ':t:' .. id)
  end
  redis.call('ZREM', prefix .. ':finished', number)
  purged = purged + 1
end
return {purged, (purged < #numbers or #numbers == limit) and 1 or 0}
