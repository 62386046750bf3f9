-- Give one worker the right to test an open server, if its test is due. Asking again with the same token gives
-- the same right.
-- ARGV: prefix, fingerprint, token
local fingerprint, token = ARGV[2], ARGV[3]
local now = now_ms()
local record = load(fingerprint, now)
local state = state_of(record, now)
if state == 'half_open' and record.probe_token == token then return 1 end
if state ~= 'open' or number(record.next_probe) > now then return 0 end
record.probe_token, record.probe_until = token, now + PROBE_LEASE_MS
save(fingerprint, record, now)
return 1
