-- The last conditional write before a body is sent: no intent, no dot.
-- ARGV: prefix, id, token, lease ms, revision key, revision, attempt, letter if never answered, delay ms,
--       fingerprint, server, recipient index list
local id, token, lease = ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = now_ms()
insist()
local record = load_common(id)
if record.state ~= 'sending' or record.token ~= token then return 'stale' end
if record.intent and read_intent(record.intent).attempt == tonumber(ARGV[7]) then return 'granted' end
local lease_until = math.min(now + lease, tonumber(record.lease_limit))
if lease_until <= now then return 'over' end
if record.cancel then return 'cancelled' end
if tonumber(record.expires_at) <= now then return 'expired' end
if (redis.call('HGET', ARGV[5], 'revision') or '0') ~= ARGV[6] then return 'changed' end
for index in ARGV[12]:gmatch('%d+') do
  local outcome = outcome_at(record.outcomes, tonumber(index))
  if outcome ~= 'o' and outcome ~= 'u' then return 'settled' end
end
local resent = record.resent
for index in ARGV[12]:gmatch('%d+') do
  if outcome_at(record.outcomes, tonumber(index)) == 'u' or holds(record.doubt, index) then
    resent = adding(resent, index)
  end
end
if resent ~= record.resent then redis.call('HSET', record_key(id), 'resent', resent) end
redis.call('HSET', record_key(id), 'lease_until', lease_until, 'attempts', ARGV[7], 'intent',
           table.concat({ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], now, ARGV[12]}, ' '))
due(record, lease_until)
return 'granted'
