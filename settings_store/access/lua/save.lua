-- Replaces the book of accounts, roles and tokens, or nothing where another was saved meanwhile.
-- KEYS: access hash, audit stream.
-- ARGV: stamp it was made from, new stamp, book (JSON), then the audit's row, fields and values in turn.
-- Returns 1, or 0 where the stamp is another.
if (redis.call('HGET', KEYS[1], 'stamp') or '') ~= ARGV[1] then
  -- The client repeats a call whose reply was lost: then it is our own that is there.
  return redis.call('HGET', KEYS[1], 'stamp') == ARGV[2] and 1 or 0
end
redis.call('DEL', KEYS[2] .. ':-')  -- a first write that is never refused for memory: an intruder must be shut out
redis.call('XADD', KEYS[2], '*', 'mark', ARGV[2], unpack(ARGV, 4))
redis.call('HSET', KEYS[1], 'stamp', ARGV[2], 'book', ARGV[3])
return 1
