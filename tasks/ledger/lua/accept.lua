-- Record a notification, or say that it is recorded already. Repeating a call changes nothing.
-- ARGV: prefix, id, digest, key hash or '', channel, lane, content, recipients, not before (0 = at once),
--       expires (0 = by age limit alone), age limit ms, ring again ms, ring now (1 or 0), remark or '', kind or '',
--       first entry of the timeline as JSON or '', priority, search terms (put together, of TERM_LENGTH each),
--       revision key, revision or '' (recorded only while it is this one), queue or '', bell to put into it,
--       traceparent or ''
local id, digest, key_hash, channel, lane, content = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local recipients, not_before, expires = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local age_limit, ring_again, ring = tonumber(ARGV[11]), tonumber(ARGV[12]), ARGV[13] == '1'
local now = now_ms()

local function answer_for(known_id)
  local known = load(known_id, 'digest', 'number', 'state')
  if not known.digest then return nil end
  return {known.digest == digest and 'same' or 'conflict', known_id, tonumber(known.number), known.state}
end

local answer = answer_for(id)
if answer then return answer end
if key_hash ~= '' then
  local first_id = redis.call('GET', prefix .. ':key:' .. key_hash)
  if first_id then
    answer = answer_for(first_id)
    if answer then return answer end
  end
end
if expires > 0 and expires <= now then return {'expired', id, 0, ''} end
if ARGV[20] ~= '' and (redis.call('HGET', ARGV[19], 'revision') or '0') ~= ARGV[20] then return {'moved', id, 0, ''} end

local starts = math.max(now, not_before)
local last = starts + age_limit
if expires > 0 and expires < last then last = expires end
local number = redis.call('INCR', prefix .. ':number')
local record = {id = id, number = number, channel = channel, lane = lane, priority = ARGV[17], accepted_at = now,
                expires_at = last, outcomes = string.rep('o', recipients)}
redis.call('HSET', record_key(id), 'number', number, 'digest', digest, 'channel', channel, 'lane', lane,
           'priority', record.priority, 'content', content, 'accepted_at', now, 'expires_at', last,
           'outcomes', record.outcomes)
redis.call('HSET', number_key(number), number % 100, id)
if ARGV[18] ~= '' then
  redis.call('HSET', record_key(id), 'terms', ARGV[18])
  for at = 1, #ARGV[18], TERM_LENGTH do
    redis.call('ZADD', term_key(ARGV[18]:sub(at, at + TERM_LENGTH - 1)), now, number)
  end
end
if key_hash ~= '' then
  redis.call('SET', prefix .. ':key:' .. key_hash, id)
  redis.call('HSET', record_key(id), 'key', key_hash)
end
if ARGV[23] ~= '' then redis.call('HSET', record_key(id), 'trace', ARGV[23]) end
if ARGV[15] ~= '' then redis.call('HSET', record_key(id), 'kind', ARGV[15]) end
if ARGV[16] ~= '' then
  local entry = cjson.decode(ARGV[16])
  note_event(id, now, entry.verdict, entry.reason, entry)
end
if ARGV[14] ~= '' then note_event(id, now, 'remark', ARGV[14]) end
if not_before > now then
  wait_until(record, not_before, 'not before its time')
else
  queue(record, ring and now + ring_again or now, now)
  if ARGV[21] ~= '' then redis.call('LPUSH', ARGV[21], ARGV[22]) end
end
return {'accepted', id, number, record.state}
