-- Keep the results of an attempt while the pass goes on with the next server; closes the intent.
-- ARGV: prefix, id, token, attempt, results (see apply_results)
local now = now_ms()
insist()
local record = load_common(ARGV[2])
if not record.state then return 'unknown' end
if record.state ~= 'sending' or record.token ~= ARGV[3] then
  apply_late(record, 5, now)
  return 'stale'
end
-- A repeated call finds its attempt counted and writes no second entry.
local recorded = tonumber(redis.call('HGET', record_key(record.id), 'recorded') or '0')
if recorded >= tonumber(ARGV[4]) then return 'recorded' end
apply_results(record, 5, false, now)
file(record)
tell(record)
redis.call('HSET', record_key(record.id), 'recorded', ARGV[4], 'attempts', ARGV[4])
return record.cancel and 'cancelled' or 'recorded'
