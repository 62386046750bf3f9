-- Keep everybody from a server, whatever its state, until a time or until somebody resumes it.
-- ARGV: prefix, fingerprint, name, by, reason, for how many ms (0 = without end)
local fingerprint, name, by, reason, for_ms = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local now = now_ms()
local record = load(fingerprint, now)
record.name = name
record.paused_since = record.paused_since or now
record.paused_by, record.paused_reason = by, reason
record.paused_until = for_ms > 0 and string.format('%d', now + for_ms) or '0'
record.changed = now
save(fingerprint, record, now)
return 1
