-- The servers that have a record, for an operator: those named, or all. What vanished is taken out of the set.
-- ARGV: prefix, fingerprints
local now = now_ms()
local rows = {}
local wanted = #ARGV > 1 and {unpack(ARGV, 2)} or redis.call('SMEMBERS', INDEX)
for _, fingerprint in ipairs(wanted) do
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
      is_open(record) and record.kind == 'misconfigured' and 1 or 0,
      record.last_reason or '',
    }
  end
end
return rows
