-- Lengthen the lease of a claim, never past the longest attempt allowed.
-- Answer: milliseconds that are left; 0 = the claim is no longer ours, or at its end.
-- ARGV: prefix, id, token, lease ms
local now = now_ms()
insist()
local record = load_common(ARGV[2])
if record.state ~= 'sending' or record.token ~= ARGV[3] then return 0 end
local lease_until = math.min(now + tonumber(ARGV[4]), tonumber(record.lease_limit))
if lease_until <= now then return 0 end
redis.call('HSET', record_key(record.id), 'lease_until', lease_until)
due(record, lease_until)
return lease_until - now
