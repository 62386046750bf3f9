-- A message that was allowed was sent now: minutes and windows count it from here on. Repeating it changes little.
-- ARGV: prefix, account, message
insist()
local keys = names(ARGV[2])
redis.call('ZADD', keys.granted, 'XX', 'GT', now_ms(), ARGV[3])
redis.call('PEXPIRE', keys.granted, MINUTE_MS)
return 1
