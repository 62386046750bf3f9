-- Change what stands announced, and put incidents into the outbox, unless another worker was first.
-- Repeating a call changes nothing.
-- ARGV: prefix, what stood before, what stands from now on, then id and JSON of each incident
local key, outbox = ARGV[1] .. ':notices', ARGV[1] .. ':notices:outbox'
local stands = redis.call('HGET', key, 'announced') or ''
if stands == ARGV[3] then return 1 end
if stands ~= ARGV[2] then return 0 end
-- A first write that is never refused for memory: that Redis is full is among what is told.
redis.call('DEL', key .. ':-')
redis.call('HSET', key, 'announced', ARGV[3])
for i = 4, #ARGV, 2 do redis.call('HSET', outbox, ARGV[i], ARGV[i + 1]) end
return 1
