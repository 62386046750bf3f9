-- Counts a sign-in as failed before it is looked at, so that tries at once cannot outrun the count.
-- KEYS: tries of the account, tries of the source.
-- ARGV: for each of them: tries that are free, first wait and longest wait in ms; then for how long tries are
--       remembered, in ms.
-- Returns the wait in ms, 0 where the try may be made.
-- A first write that Redis never refuses for memory: people must get in to a full Redis too.
redis.call('DEL', KEYS[1] .. ':-')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for _, key in ipairs(KEYS) do
  local till = tonumber(redis.call('HGET', key, 'until') or '0')
  if till > now then return till - now end
end
for place, key in ipairs(KEYS) do
  local free, first, longest = tonumber(ARGV[place * 3 - 2]), tonumber(ARGV[place * 3 - 1]), tonumber(ARGV[place * 3])
  local count = redis.call('HINCRBY', key, 'count', 1)
  if count >= free then
    local wait = math.min(longest, first * 2 ^ math.min(count - free, 30))
    redis.call('HSET', key, 'until', string.format('%d', now + wait))
  end
  redis.call('PEXPIRE', key, ARGV[#ARGV])
end
return 0
