-- How many records each list holds: name, count, name, count ...
-- ARGV: prefix
local counts = {}
for _, list in ipairs(redis.call('SMEMBERS', prefix .. ':lists')) do
  counts[#counts + 1] = list
  counts[#counts + 1] = redis.call('ZCARD', list_key(list))
end
return counts
