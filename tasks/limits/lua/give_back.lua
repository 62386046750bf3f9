-- A message that was allowed or has a turn will not go: somebody else may.
-- ARGV: prefix, account, message
local keys = names(ARGV[2])
redis.call('ZREM', keys.turns, ARGV[3])
redis.call('ZREM', keys.urgent, ARGV[3])
redis.call('ZREM', keys.granted, ARGV[3])
return 1
