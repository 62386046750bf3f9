-- Take in what an attempt showed of its server. Repeating a call with the same token changes nothing and has the
-- same answer.
-- Answer: the state, and 1 where this attempt opened or closed the breaker.
-- ARGV: prefix, fingerprint, name, what (down, misconfigured, completed), token, began ms, failures that open,
--       reason
local fingerprint, what, token, began = ARGV[2], ARGV[4], ARGV[5], tonumber(ARGV[6])
local now = now_ms()
local record = load(fingerprint, now)
local is_stale = began <= number(record.changed)
local is_mover = false

if what == 'completed' then
  -- A connection that signed in before the trouble proves nothing about a sign-in that is refused since.
  local proves_nothing = is_open(record) and record.kind == 'misconfigured' and is_stale
  local is_news = success_is_news(record, now) or record.name ~= ARGV[3]
  if is_open(record) and not proves_nothing then
    close(record, token, now)
  end
  is_mover = record.closed_by == token
  if not is_news then return {state_of(record, now), is_mover and 1 or 0} end
  if not proves_nothing then
    record.reason, record.failures, record.streak, record.step = '', 0, nil, nil
    record.signed_in = '1'
  end
  record.last_success = now
else
  if not is_open(record) and not is_stale then
    local streak = record.streak or ' '
    if not streak:find(' ' .. token .. ' ', 1, true) then streak = streak .. token .. ' ' end
    local _, failures = streak:gsub('%S+', '')
    record.streak, record.failures, record.reason = streak, failures, ARGV[8]
    if what == 'misconfigured' or failures >= tonumber(ARGV[7]) then
      open(record, what, ARGV[8], token, now)
    end
  end
  is_mover = record.opened_by == token
  record.last_failure, record.last_reason = now, ARGV[8]
end
record.name = ARGV[3]
save(fingerprint, record, now)
return {state_of(record, now), is_mover and 1 or 0}
