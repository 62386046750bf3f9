-- Whether a connection must be closed now that its message is sent: others wait for it, or its lease ran out.
-- ARGV: prefix, account, holder, worker
local keys, holder, worker = names(ARGV[2]), ARGV[3], ARGV[4]
local now = now_ms()
local seen = look(keys, now)
if not seen.held[member_of(holder, worker)] then return 1 end
return must_yield(keys, seen, holder, worker)
