-- Record notifications, each by itself, or say which are recorded already. Repeating a call changes nothing.
-- What the index needs of all of them is written at the end, once for each key.
-- ARGV: prefix, and in MessagePack an array of
--       revision key, revision or '' (recorded only while it is this one), ring again ms, whether the caller rings,
--       how many messages a queue may hold, bells: {queue, message to put into it} each,
--       notifications: {id, digest, key hash or '', channel, lane, content, recipients, not before (0 = at once),
--       expires (0 = by age limit alone), age limit ms, number of the bell that rings for it (0 = none), remark or '',
--       kind or '', first entry of the timeline as JSON or '', priority, search terms (put together, of TERM_LENGTH
--       each), traceparent or ''} each
-- Answer: for each its number where it is queued now, else {status, id, number, state}
local revision_key, revision, ring_again, caller_rings, queue_limit, bells, notifications =
  unpack(cmsgpack.unpack(ARGV[2]))
local now = now_ms()

-- Which bells are rung: those whose queue has room. Above the limit a backlog stays here.
local rung, waiting = {}, {}

local function rings(bell)
  if rung[bell] == nil and bells[bell] then
    local queue = bells[bell][1]
    waiting[queue] = waiting[queue] or redis.call('LLEN', queue)
    rung[bell] = waiting[queue] < queue_limit
    if rung[bell] then waiting[queue] = waiting[queue] + 1 end
  end
  return rung[bell] or false
end

-- Members for one key, written together; unpack() bears some thousand values.
local MOST_VALUES = 4000
local gathered = {}

local function gather(command, key, a, b)
  local values = gathered[key]
  if not values then
    gathered[key] = {command = command, a, b}
    return
  end
  values[#values + 1] = a
  values[#values + 1] = b
end

local function write_gathered()
  for key, values in pairs(gathered) do
    for at = 1, #values, MOST_VALUES do
      redis.call(values.command, key, unpack(values, at, math.min(at + MOST_VALUES - 1, #values)))
    end
  end
end

local is_current = revision == '' or (redis.call('HGET', revision_key, 'revision') or '0') == revision

-- A call of Redis costs more than what it does here, and so does a number that becomes text anew for each.
local now_text = tostring(now)

-- So many numbers are taken at once; those that nobody needed are given back at the end.
local taken_up_to, left = 0, 0

local function next_number(place)
  if left == 0 then
    left = #notifications - place + 1
    taken_up_to = redis.call('INCRBY', prefix .. ':number', left)
  end
  left = left - 1
  return taken_up_to - left
end

-- The list of what is queued and was with no server yet, by channel and priority.
local lists = {}

local function list_key_of(record)
  local name = record.channel .. record.priority
  if not lists[name] then
    local list = list_of(record)
    gather('SADD', prefix .. ':lists', list)
    lists[name] = list_key(list)
  end
  return lists[name]
end

local function answer_for(known_id, digest)
  if not redis.call('HGET', record_key(known_id), 'digest') then return nil end
  local known = load(known_id, 'digest', 'number', 'state')
  return {known.digest == digest and 'same' or 'conflict', known_id, tonumber(known.number), known.state}
end

local function accept(place, id, digest, key_hash, channel, lane, content, recipients, not_before, expires,
                      age_limit, bell, remark, kind, begins_with, priority, terms, trace)
  local answer = answer_for(id, digest)
  if answer then return answer end
  if key_hash ~= '' then
    local first_id = redis.call('GET', prefix .. ':key:' .. key_hash)
    answer = first_id and answer_for(first_id, digest)
    if answer then return answer end
  end
  if expires > 0 and expires <= now then return {'expired', id, 0, ''} end
  if not is_current then return {'moved', id, 0, ''} end

  local last = math.max(now, not_before) + age_limit
  if expires > 0 and expires < last then last = expires end
  local waits = not_before > now
  local number = next_number(place)
  local number_text, outcomes = tostring(number), string.rep('o', recipients)
  local fields = {'number', number_text, 'digest', digest, 'channel', channel, 'lane', lane, 'priority', priority,
                  'content', content, 'accepted_at', now_text, 'expires_at', last, 'outcomes', outcomes}
  local function add(name, value) fields[#fields + 1], fields[#fields + 2] = name, value end
  if terms ~= '' then add('terms', terms) end
  if key_hash ~= '' then add('key', key_hash) end
  if trace ~= '' then add('trace', trace) end
  if kind ~= '' then add('kind', kind) end
  if not waits then add('state', 'queued') end
  redis.call('HSET', record_key(id), unpack(fields))
  if key_hash ~= '' then redis.call('SET', prefix .. ':key:' .. key_hash, id) end
  gather('HSET', number_key(number), number % 100, id)
  for at = 1, #terms, TERM_LENGTH do
    gather('ZADD', term_key(terms:sub(at, at + TERM_LENGTH - 1)), now_text, number_text)
  end
  if begins_with ~= '' then
    local entry = cjson.decode(begins_with)
    note_event(id, now, entry.verdict, entry.reason, entry)
  end
  if remark ~= '' then note_event(id, now, 'remark', remark) end
  local record = {id = id, number = number_text, channel = channel, lane = lane, priority = priority,
                  accepted_at = now, expires_at = last, outcomes = outcomes}
  if waits then
    wait_until(record, not_before, 'not before its time')
    return {'accepted', id, number, record.state}
  end
  -- As queue() does it, of what was in no other state before.
  record.state = 'queued'
  gather('ZADD', list_key_of(record), now_text, number_text)
  gather('ZADD', ready_key(priority), now_text, number_text)
  gather('ZADD', due_key(lane), math.min((caller_rings or rings(bell)) and now + ring_again or now, last), id)
  tell(record)
  return number
end

local answers = {}
for place, notification in ipairs(notifications) do answers[place] = accept(place, unpack(notification)) end
if left > 0 then redis.call('DECRBY', prefix .. ':number', left) end
write_gathered()
for place, bell in ipairs(bells) do
  if rung[place] then redis.call('LPUSH', bell[1], bell[2]) end
end
return answers
