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
local refusals = refusals_of(account)
redis.call('ZREMRANGEBYSCORE', refusals, '-inf', now - REFUSALS_WINDOW_MS)
local latest = redis.call('ZREVRANGE', refusals, 0, REFUSALS_MOST - 1, 'WITHSCORES')
if #latest == 2 * REFUSALS_MOST then
  return {now, 'refused', tonumber(latest[#latest]) + REFUSALS_WINDOW_MS, tonumber(latest[2]), ELSEWHERE}
end
record.token, record.lease = token, now + LEASE_MS
save(field, record, now)
return {now, 'yes', 0, 0, ''}
