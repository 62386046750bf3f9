-- Open a dead letter again for the recipients who do not have it: same id, same Message-ID, fresh age limit.
-- An expired or uncertain one only when told so: it may be stale, or arrive twice. Repeating a call with the same
-- token changes nothing.
-- ARGV: prefix, id, token, age limit ms, even expired (1 or 0), even uncertain (1 or 0), by, why, delay ms,
--       ring again ms, ring (1 or 0), dry run (1 or 0: only say what would become of it)
local now = now_ms()
if ARGV[12] ~= '1' then insist() end
local record = load_common(ARGV[2])
if not record.state then return {'unknown', ''} end
if redis.call('HGET', record_key(record.id), 'replay') == ARGV[3] then return {'replayed', record.state} end
local state = record.state
if not FINAL[state] or state == 'delivered' or state == 'cancelled' then return {'refused', state} end
-- One that reached some before its time was over is as stale for the others.
local out_of_time = has(record.outcomes, 'o') and tonumber(record.finished_at) >= tonumber(record.expires_at)
if has(record.outcomes, 'x') and ARGV[6] ~= '1' then return {'uncertain', state} end
if (state == 'expired' or out_of_time) and ARGV[5] ~= '1' then return {'expired', state} end
if ARGV[12] == '1' then return {'replayed', state} end
local delay = tonumber(ARGV[9])
local doubt = record.doubt
for index = 0, #record.outcomes - 1 do
  if outcome_at(record.outcomes, index) == 'x' then doubt = adding(doubt, index) end
end
if doubt then redis.call('HSET', record_key(record.id), 'doubt', doubt) end
local outcomes = record.outcomes:gsub('[rx]', 'o')
record.outcomes, record.expires_at = outcomes, now + delay + tonumber(ARGV[4])
redis.call('HSET', record_key(record.id), 'outcomes', outcomes, 'expires_at', record.expires_at, 'replay', ARGV[3],
           'lapses', 0, 'pass', 0, 'memory', '')
redis.call('HDEL', record_key(record.id), 'unsure_server', 'unsure_at', 'finished_at')
redis.call('ZREM', prefix .. ':finished', record.number)
note_event(record.id, now, 'replayed', ARGV[8], {by = ARGV[7]})
if delay > 0 then
  wait_until(record, now + delay, 'replayed by ' .. ARGV[7] .. ', paced')
else
  redis.call('HSET', record_key(record.id), 'reason', 'replayed by ' .. ARGV[7])
  queue(record, ARGV[11] == '1' and now + tonumber(ARGV[10]) or now, now)
end
return {'replayed', record.state}
