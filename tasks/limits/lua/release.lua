-- Connections were closed: others may open theirs.
-- ARGV: prefix, then account, holder, worker of each
for i = 2, #ARGV, 3 do
  local keys, member = names(ARGV[i]), member_of(ARGV[i + 1], ARGV[i + 2])
  redis.call('ZREM', keys.slots, member)
  redis.call('SREM', keys.unasked, member)
end
return 1
