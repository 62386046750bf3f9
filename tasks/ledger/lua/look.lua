-- A record and its timeline as they are at one moment. Reads only: a full Redis, which refuses transactions that
-- read as well, answers it.
-- ARGV: prefix, id
-- Answer: fields and values of the record in turn, none where there is none; the entries of the timeline
return {redis.call('HGETALL', record_key(ARGV[2])), redis.call('LRANGE', prefix .. ':t:' .. ARGV[2], 0, -1)}
