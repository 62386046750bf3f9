-- A sign-in that succeeded: the account's tries are forgotten, the source's lose this one.
-- KEYS: tries of the account, tries of the source.
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HDEL', KEYS[2], 'until')
  if redis.call('HINCRBY', KEYS[2], 'count', -1) <= 0 then redis.call('DEL', KEYS[2]) end
end
return 1
