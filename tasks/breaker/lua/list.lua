-- Every server that has a record, for an operator. What vanished is taken out of the set.
-- ARGV: prefix
local now = now_ms()
local rows = {}
for _, fingerprint in ipairs(redis.call('SMEMBERS', INDEX)) do
  local record = load(fingerprint, now)
  if next(record) == nil then
    redis.call('SREM', INDEX, fingerprint)
  else
    local state = state_of(record, now)
    local is_paused = state == 'paused'
    rows[#rows + 1] = {
      record.name or '', fingerprint, state,
      number(is_paused and record.paused_since or record.since),
      is_paused and record.paused_reason or record.reason or '',
      number(record.failures),
      is_open(record) and number(record.next_probe) or 0,
      number(record.last_success), number(record.last_failure),
      record.paused_by or '', number(record.paused_until),
    }
  end
end
return rows
