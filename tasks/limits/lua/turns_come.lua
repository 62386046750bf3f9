-- Whose turn has come a moment ago, or is late: those of each account in their order. Writes nothing.
-- Answer: names of messages
-- ARGV: prefix, then accounts
local now = now_ms()
local found = {}
for i = 2, #ARGV do
  local keys = names(ARGV[i])
  for _, key in ipairs({keys.urgent, keys.turns}) do
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', key, now - TURN_CALLED_MS, now, 'LIMIT', 0, 1000)) do
      found[#found + 1] = name
    end
  end
end
return found
