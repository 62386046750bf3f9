-- A connection is opened where connections have no limit: it is counted for the day that one is set.
-- Answer: 1, or 0 where the options are newer than those by which there is none
-- ARGV: prefix, account, holder, worker, revision key, revision or ''
local keys, holder, worker = names(ARGV[2]), ARGV[3], ARGV[4]
if options_changed(ARGV[5], ARGV[6]) then return 0 end
local now = now_ms()
insist()
redis.call('HSET', keys.notes, 'connections', 0)
note_life(keys, now)
local seen = look(keys, now)
hold(keys, seen, holder, worker, now)
redis.call('SADD', keys.unasked, member_of(holder, worker))
redis.call('PEXPIRE', keys.unasked, NOTES_KEPT_MS)
return 1
