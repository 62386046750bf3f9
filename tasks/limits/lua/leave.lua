-- Our side of connections is closed, and their servers may count them for a while yet: then others may open theirs.
-- ARGV: prefix, then account, holder, worker of each
local ends = now_ms() + LEFT_MS
for i = 2, #ARGV, 3 do
  redis.call('ZADD', names(ARGV[i]).slots, 'XX', 'LT', ends, member_of(ARGV[i + 1], ARGV[i + 2]))
end
return 1
