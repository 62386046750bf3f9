-- Puts values sealed with another key in the place of the same values: nothing else changes, no revision is made.
-- KEYS: settings hash, history list.
-- ARGV: the values as they were read, the values resealed, then rows of the history in pairs: as read, resealed.
-- Returns 1, or 0 where the values were changed meanwhile: then nothing was done.
if (redis.call('HGET', KEYS[1], 'values') or '') ~= ARGV[1] then return 0 end
if ARGV[1] ~= ARGV[2] then redis.call('HSET', KEYS[1], 'values', ARGV[2]) end
for place = 3, #ARGV, 2 do
  local index = redis.call('LPOS', KEYS[2], ARGV[place])
  -- A row that is gone was cut off at the end of the history, or is resealed already.
  if index then redis.call('LSET', KEYS[2], index, ARGV[place + 1]) end
end
return 1
