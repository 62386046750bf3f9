-- End a pause; a server that is open is tested at once, paused or not. Answer: the state.
-- ARGV: prefix, fingerprint
local fingerprint = ARGV[2]
local now = now_ms()
local record = load(fingerprint, now)
if record.paused_until then
  record.paused_until, record.paused_since, record.paused_by, record.paused_reason = nil, nil, nil, nil
  record.changed = now
elseif not is_open(record) then
  return state_of(record, now)
end
if is_open(record) then record.next_probe = math.min(number(record.next_probe), now) end
save(fingerprint, record, now)
return state_of(record, now)
