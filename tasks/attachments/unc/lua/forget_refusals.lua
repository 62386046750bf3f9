-- Forget what was refused, so that it is tried at once. Answer: how many of account and host.
-- ARGV: prefix
local now = now_ms()
local flat = redis.call('HGETALL', SIGN_INS)
local forgotten = 0
for i = 1, #flat, 2 do
  if (cjson.decode(flat[i + 1])['until'] or 0) > now then
    redis.call('HDEL', SIGN_INS, flat[i])
    forgotten = forgotten + 1
  end
end
redis.call('DEL', REFUSALS)
return forgotten
