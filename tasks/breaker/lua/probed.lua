-- Take in how a test ended. Only the last one that was given the right is heard, also after its lease.
-- Answer: closed, open, or stale. Repeating a call with the same token has the same answer.
-- ARGV: prefix, fingerprint, token, how (ok, down, misconfigured), reason
local fingerprint, token, how = ARGV[2], ARGV[3], ARGV[4]
local now = now_ms()
local record = load(fingerprint, now)
if record.probed_token == token then return record.probed_answer end
if record.probe_token ~= token then return 'stale' end
if how == 'ok' then
  close(record, token, now)
  record.probed_answer = 'closed'
else
  record.failures, record.reason = number(record.failures) + 1, ARGV[5]
  record.last_failure, record.last_reason = now, ARGV[5]
  wait_for_probe(record, how, now)
  record.probed_answer = 'open'
end
record.probed_token = token
save(fingerprint, record, now)
return record.probed_answer
