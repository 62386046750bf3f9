-- Let one worker sign in with an account at a host; once that worked, everybody for a while.
-- Answer: now, then yes, wait or refused, then until when, since when and why.
-- ARGV: prefix, account, host, token
local account, token = ARGV[2], ARGV[4]
local field = account .. ' ' .. ARGV[3]
local now = now_ms()
local record = load(field)
if (record['until'] or 0) > now then
  return {now, 'refused', record['until'], record.since, record.words}
end
if (record.good or 0) > now then return {now, 'yes', 0, 0, ''} end
if (record.lease or 0) > now and record.token ~= token then return {now, 'wait', record.lease, 0, ''} end
-- The lock of a domain's account counts what all hosts together refuse.
redis.call('ZREMRANGEBYSCORE', REFUSALS, '-inf', now - REFUSALS_WINDOW_MS)
local latest = {}
local flat = redis.call('ZREVRANGE', REFUSALS, 0, -1, 'WITHSCORES')
for i = 1, #flat, 2 do
  if flat[i]:sub(1, #account) == account then latest[#latest + 1] = tonumber(flat[i + 1]) end
end
if #latest >= REFUSALS_MOST then
  return {now, 'refused', latest[REFUSALS_MOST] + REFUSALS_WINDOW_MS, latest[1], ELSEWHERE}
end
record.token, record.lease = token, now + LEASE_MS
save(field, record, now)
return {now, 'yes', 0, 0, ''}
