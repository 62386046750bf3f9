-- Puts a value sealed with another key in the place of the same value; its lifetime stays.
-- KEYS: the key. ARGV: as read, resealed.
-- Returns 1, or 0 where it was changed or is gone meanwhile.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
