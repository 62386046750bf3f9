-- Make one incident of all that ended undelivered, once they were waited for and the last such notice is long
-- enough ago; they are taken off the list in the same step.
-- ARGV: prefix, id of the incident, collect ms, quiet ms, tell (1 or 0), how many are looked at
local key, outbox, list = ARGV[1] .. ':notices', ARGV[1] .. ':notices:outbox', ARGV[1] .. ':undelivered'
local now = now_ms()
local first = redis.call('ZRANGE', list, 0, 0, 'WITHSCORES')[2]
if not first then return 0 end
local tell = ARGV[5] == '1'
if tell then
  if now < tonumber(first) + tonumber(ARGV[3]) then return 0 end
  if now < tonumber(redis.call('HGET', key, 'undelivered_at') or '0') + tonumber(ARGV[4]) then return 0 end
end
local ids = redis.call('ZRANGE', list, 0, tonumber(ARGV[6]) - 1)
local rest = redis.call('ZCARD', list) - #ids
local count, by_state, by_channel, numbers = 0, {}, {}, {}
for _, id in ipairs(ids) do
  local record = redis.call('HMGET', ARGV[1] .. ':n:' .. id, 'state', 'channel', 'number')
  local state, channel = record[1], record[2]
  -- One that was replayed, or that a late reply said delivered, is no longer one of them.
  if state == 'failed' or state == 'expired' or state == 'uncertain' or state == 'partial' then
    count = count + 1
    by_state[state] = (by_state[state] or 0) + 1
    by_channel[channel] = (by_channel[channel] or 0) + 1
    if #numbers < 20 then numbers[#numbers + 1] = tonumber(record[3]) end
  end
end
-- A first write that is never refused for memory.
redis.call('DEL', key .. ':-')
if rest > 0 then
  redis.call('ZREMRANGEBYRANK', list, 0, #ids - 1)
else
  redis.call('DEL', list)
end
if not tell or count == 0 then return 0 end
redis.call('HSET', key, 'undelivered_at', now)
table.sort(numbers)
local facts = {count = count, by_state = by_state, by_channel = by_channel, numbers = numbers, since_ms = tonumber(first)}
redis.call('HSET', outbox, ARGV[2], cjson.encode({id = ARGV[2], event = 'undelivered', at_ms = now, facts = facts}))
return count
