-- Take in how a sign-in ended: well, refused (with the reason), or without an answer of the host.
-- ARGV: prefix, account, host, token, outcome (good, refused or unknown), words
local account, token, outcome = ARGV[2], ARGV[4], ARGV[5]
local field = account .. ' ' .. ARGV[3]
local now = now_ms()
local record = load(field)
-- A first write that is never refused for memory: that a password was refused must not be forgotten.
redis.call('DEL', SIGN_INS .. ':-')
if outcome == 'good' then
  record = {good = now + GOOD_MS}
elseif outcome == 'refused' then
  -- Several that were under way at once are one: only the first of them makes the wait longer.
  if (record['until'] or 0) <= now then
    record.times = (record.times or 0) + 1
    record.since, record.words = now, ARGV[6]
    record['until'] = now + math.min(BACK_OFF_FIRST_MS * 2 ^ (record.times - 1), BACK_OFF_MOST_MS)
  end
  record.good = nil
  if record.token == token then record.token, record.lease = nil, nil end
  redis.call('ZADD', REFUSALS, now, account .. ' ' .. token)
  redis.call('PEXPIRE', REFUSALS, REFUSALS_WINDOW_MS)
elseif record.token == token then
  record.token, record.lease = nil, nil
end
save(field, record, now)
local flat = redis.call('HGETALL', SIGN_INS)
for i = 1, #flat, 2 do
  if cjson.decode(flat[i + 1]).touched < now - KEPT_MS then redis.call('HDEL', SIGN_INS, flat[i]) end
end
return 1
