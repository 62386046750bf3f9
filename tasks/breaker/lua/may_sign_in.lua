-- Let one worker sign in to a server that nobody signed in to yet; once that worked, everybody.
-- Answer: now, then everybody, yes or wait, and until when that one has its right.
-- ARGV: prefix, fingerprint, token
local fingerprint, token = ARGV[2], ARGV[3]
local now = now_ms()
local record = load(fingerprint, now)
local state = state_of(record, now)
if state == 'half_open' and record.probe_token == token then return {now, 'yes', number(record.probe_until)} end
if state ~= 'closed' then return {now, 'wait', again_at(record, now)} end
if record.signed_in == '1' then return {now, 'everybody', 0} end
if number(record.sign_in_until) > now then
  return {now, record.sign_in_token == token and 'yes' or 'wait', number(record.sign_in_until)}
end
record.sign_in_token, record.sign_in_until = token, now + SIGN_IN_LEASE_MS
save(fingerprint, record, now)
return {now, 'yes', record.sign_in_until}
