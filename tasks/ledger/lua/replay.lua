-- Open a dead letter again for the recipients who do not have it: same id, same Message-ID, fresh age limit.
-- An expired or uncertain one only when told so: it may be stale, or arrive twice. Repeating a call with the same
-- token changes nothing.
-- ARGV: prefix, id, token, age limit ms, even expired or uncertain (1 or 0), by, why, ring again ms, ring (1 or 0)
local now = now_ms()
insist()
local record = load_common(ARGV[2])
if not record.state then return {'unknown', ''} end
if redis.call('HGET', record_key(record.id), 'replay') == ARGV[3] then return {'replayed', record.state} end
local state = record.state
if not FINAL[state] or state == 'delivered' or state == 'cancelled' then return {'refused', state} end
if (state == 'expired' or has(record.outcomes, 'x')) and ARGV[5] ~= '1' then return {'risky', state} end
local outcomes = record.outcomes:gsub('[rx]', 'o')
record.outcomes, record.expires_at = outcomes, now + tonumber(ARGV[4])
redis.call('HSET', record_key(record.id), 'outcomes', outcomes, 'expires_at', record.expires_at, 'replay', ARGV[3],
           'lapses', 0, 'pass', 0, 'memory', '', 'reason', 'replayed by ' .. ARGV[6])
redis.call('HDEL', record_key(record.id), 'unsure_server', 'unsure_at', 'finished_at')
redis.call('ZREM', prefix .. ':finished', record.id)
note_event(record.id, now, 'replayed', ARGV[7], {by = ARGV[6]})
queue(record, ARGV[9] == '1' and now + tonumber(ARGV[8]) or now)
return {'replayed', record.state}
