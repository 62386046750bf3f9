-- How much of its limits each account uses now. Writes nothing, so it runs on a full Redis and on a replica.
-- Answer: for each account: messages granted in the last minute, messages that have a turn, connections held,
--         workers that wait for a connection
-- ARGV: prefix, then accounts
local now = now_ms()
local answers = {}
for i = 2, #ARGV do
  local keys, workers = names(ARGV[i]), 0
  for _, value in ipairs(redis.call('HVALS', keys.waiting)) do
    if tonumber(value:match(' (%d+)$')) > now then workers = workers + 1 end
  end
  answers[#answers + 1] = {
    redis.call('ZCOUNT', keys.granted, '(' .. now - MINUTE_MS, '+inf'),
    redis.call('ZCOUNT', keys.turns, now - LATE_MS, '+inf')
      + redis.call('ZCOUNT', keys.urgent, now - LATE_MS, '+inf'),
    redis.call('ZCOUNT', keys.slots, '(' .. now, '+inf'),
    workers,
  }
end
return answers
