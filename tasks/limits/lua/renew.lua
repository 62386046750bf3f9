-- Lengthen the leases of connections. One whose lease ran out gets it again where there is room.
-- Answer: for each, 0 where it is lost, 1 where it is kept, 2 where it is kept and must be closed when idle, 3 where
--         it is kept and is better closed if it idles now.
-- ARGV: prefix, then account, holder, worker of each
insist()
local now = now_ms()
local answers = {}
for i = 2, #ARGV, 3 do
  local keys, holder, worker = names(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
  local seen = look(keys, now)
  if seen.held[member_of(holder, worker)] or may_take(seen, worker, now) then
    hold(keys, seen, holder, worker, now)
    local answer = 1 + must_yield(keys, seen, holder, worker)
    if answer == 1 and seen.limit > 0 and seen.used >= seen.limit and poorer(seen, worker, seen.called) > 0 then
      answer = 3
    end
    answers[#answers + 1] = answer
  else
    answers[#answers + 1] = 0
  end
end
return answers
