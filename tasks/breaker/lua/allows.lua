-- Say for each server whether it may be used now. Writes nothing but, once a day, a longer life of the record.
-- ARGV: prefix, fingerprints
local now = now_ms()
local answers = {}
for i = 2, #ARGV do
  local fingerprint = ARGV[i]
  local record = load(fingerprint, now)
  local state = state_of(record, now)
  local probe_is_due = state == 'open' and number(record.next_probe) <= now
  local reason = record.reason or ''
  if state == 'paused' then reason = record.paused_reason end
  local is_misconfigured = is_open(record) and record.kind == 'misconfigured'
  answers[#answers + 1] = {state, reason, again_at(record, now), probe_is_due and 1 or 0, is_misconfigured and 1 or 0,
                           success_is_news(record, now) and 1 or 0}
  local left = redis.call('PTTL', key_of(fingerprint))
  if left >= 0 and left < KEPT_MS - TOUCH_MS then redis.call('PEXPIRE', key_of(fingerprint), KEPT_MS) end
end
return {now, answers}
