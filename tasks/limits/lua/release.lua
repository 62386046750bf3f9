-- Connections were closed: others may open theirs.
-- ARGV: prefix, then account, holder, worker of each
for i = 2, #ARGV, 3 do
  redis.call('ZREM', names(ARGV[i]).slots, member_of(ARGV[i + 1], ARGV[i + 2]))
end
return 1
