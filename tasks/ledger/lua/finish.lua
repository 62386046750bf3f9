-- End a claim with what became of it. A stale token moves nothing, but its 250s are kept. Repeating a call with
-- the same token changes nothing.
-- ARGV: prefix, id, token, what next (waiting, queued, held, failed), delay ms, reason, memory, pass counts (1, 0),
--       revision key, revision, attempts, fingerprints of the servers that it waits for, results (see apply_results)
local id, token, next_step, delay, reason = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local now = now_ms()
insist()
local record = load_common(id)
if not record.state then return {'unknown', ''} end
if record.last_token == token then return {'finished', record.state} end
if record.state ~= 'sending' or record.token ~= token then
  apply_late(record, 13, now)
  return {'stale', record.state}
end
if next_step == 'held' and (redis.call('HGET', ARGV[9], 'revision') or '0') ~= ARGV[10] then
  return {'moved', record.state}
end
apply_results(record, 13, false, now)
redis.call('HSET', record_key(id), 'last_token', token, 'memory', ARGV[7], 'attempts', ARGV[11])
-- A pass that ended in order proves that it does not kill its worker.
redis.call('HDEL', record_key(id), 'lapses')
if ARGV[8] == '1' then redis.call('HINCRBY', record_key(id), 'pass', 1) end
if is_settled(record.outcomes) then
  finish_as(record, 'failed', reason, now)
elseif record.cancel then
  finish_as(record, 'cancelled', 'cancelled', now)
elseif next_step == 'failed' then
  finish_as(record, 'failed', reason, now)
elseif tonumber(record.expires_at) <= now then
  finish_as(record, 'expired', 'expired: ' .. reason, now)
elseif next_step == 'waiting' then
  wait_until(record, now + delay, reason)
  wait_for_servers(record, ARGV[12], ARGV[10])
elseif next_step == 'held' then
  move(record, 'held')
  let_go(record)
  due(record, tonumber(record.expires_at))
  redis.call('ZADD', prefix .. ':held', ARGV[10], id)
  redis.call('HSET', record_key(id), 'reason', reason, 'held_revision', ARGV[10])
else
  queue(record, now + delay, now + delay)
  redis.call('HSET', record_key(id), 'reason', reason)
end
return {'finished', record.state}
