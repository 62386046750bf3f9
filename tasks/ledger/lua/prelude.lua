-- Put before every script: names of keys, the clock, and the few moves that all transitions are made of.
--
-- A record is the hash <prefix>:n:<id>; its timeline is the list <prefix>:t:<id>.
-- The due-set is one sorted set a lane, <prefix>:due:<lane>. Every record that is not final has exactly one
-- score in it; only finish_as() takes the score away.
-- Every record is in exactly one list, <prefix>:list:<state>|<channel>|<priority>|<servers>|<twice>, a sorted set of
-- numbers by the time of acceptance; <prefix>:lists names those that hold any. It is besides in <prefix>:by:<term>
-- for each of its search terms. <prefix>:numbers:<hundred> leads from a number to its id.
-- Each that is queued is in <prefix>:ready:<priority>, by when a worker could first have taken it.
local prefix = ARGV[1]

-- A first write that Redis never refuses for memory. Commands that follow a write in the same script are not
-- refused either, so finishing, cancelling and sweeping go on where the memory limit is reached.
local function insist() redis.call('DEL', prefix .. ':-') end

local function record_key(id) return prefix .. ':n:' .. id end
local function due_key(lane) return prefix .. ':due:' .. lane end
local function ready_key(priority) return prefix .. ':ready:' .. priority end
local function list_key(list) return prefix .. ':list:' .. list end
local function term_key(term) return prefix .. ':by:' .. term end

local FINAL = {delivered = true, partial = true, uncertain = true, failed = true, expired = true, cancelled = true}

local function load(id, ...)
  local names = {...}
  local values = redis.call('HMGET', record_key(id), unpack(names))
  local record = {id = id}
  for i, name in ipairs(names) do record[name] = values[i] or nil end
  return record
end

-- What every transition needs to know; load() with these.
local COMMON = {'state', 'lane', 'accepted_at', 'expires_at', 'outcomes', 'token', 'last_token', 'lease_until',
                'lease_limit', 'intent', 'lapses', 'cancel', 'pass', 'channel', 'number', 'reason', 'priority',
                'servers', 'resent', 'doubt', 'finished_at', 'waits_for'}

local TERM_LENGTH = 12

-- Small hashes are packed: a number and its id cost a third of what they cost in a sorted set.
local function number_key(number) return prefix .. ':numbers:' .. math.floor(number / 100) end
local function id_of(number) return redis.call('HGET', number_key(number), number % 100) or nil end

-- Recipients are named by their place in the envelope, from 0; outcomes has one letter for each:
-- o open, d delivered, r refused, u uncertain and to be sent once more, x uncertain for good.
local function outcome_at(outcomes, index) return outcomes:sub(index + 1, index + 1) end
local function with_outcome(outcomes, index, letter)
  return outcomes:sub(1, index) .. letter .. outcomes:sub(index + 2)
end
local function has(outcomes, letter) return outcomes:find(letter, 1, true) ~= nil end
local function is_settled(outcomes) return not has(outcomes, 'o') and not has(outcomes, 'u') end

-- Sets of names or places are kept as ",a,b,".
local function holds(set, member) return set and set:find(',' .. member .. ',', 1, true) ~= nil end
local function adding(set, member)
  if holds(set, member) then return set end
  return (set or ',') .. member .. ','
end

-- Delivered to somebody who may have had it already: it was sent again after an uncertain end.
local function perhaps_twice(record)
  if not record.resent then return false end
  for index in record.resent:gmatch('%d+') do
    if outcome_at(record.outcomes, tonumber(index)) == 'd' then return true end
  end
  return false
end

local function list_of(record)
  return table.concat({record.state, record.channel, record.priority, record.servers or '',
                       perhaps_twice(record) and 'twice' or ''}, '|')
end

local function load_common(id)
  local record = load(id, unpack(COMMON))
  if record.state then record.list = list_of(record) end
  return record
end

local function leave_list(record)
  if redis.call('ZREM', list_key(record.list), record.number) == 1
     and redis.call('EXISTS', list_key(record.list)) == 0 then
    redis.call('SREM', prefix .. ':lists', record.list)
  end
end

-- Put the record into the list that its fields speak of now.
local function file(record)
  local list = list_of(record)
  if list == record.list then return end
  if record.list then leave_list(record) end
  redis.call('ZADD', list_key(list), record.accepted_at, record.number)
  redis.call('SADD', prefix .. ':lists', list)
  record.list = list
end

-- For whoever watches: a bounded stream of what changed.
local function tell(record)
  redis.call('XADD', prefix .. ':changes', 'MAXLEN', '~', 10000, '*', 'number', record.number, 'state', record.state)
end

local function note(id, entry) redis.call('RPUSH', prefix .. ':t:' .. id, entry) end

local function note_event(id, now, verdict, reason, extra)
  local entry = extra or {}
  entry.at, entry.verdict, entry.reason = now, verdict, reason
  note(id, cjson.encode(entry))
end

-- What waits for servers to come back is in <prefix>:outage by the revision of the options that it was routed
-- by, and for each of those servers in <prefix>:outage:<fingerprint> by age; <prefix>:outages names the servers.
-- What waits for a turn within our own limits is there under the name of that limit alone: other options change
-- nothing for it.
-- What waits for a connection within our own limit is in a line by what is urgent and what is not, then by age.
local function outage_key(fingerprint) return prefix .. ':outage:' .. fingerprint end

local BY_PRIORITY = {high = -1e13, low = 1e13}

local function place_in(name, record)
  if name:sub(1, 18) ~= 'limit-connections-' then return record.accepted_at end
  return tonumber(record.accepted_at) + (BY_PRIORITY[record.priority] or 0)
end

local function wait_for_servers(record, fingerprints, revision)
  if fingerprints == '' then return end
  redis.call('HSET', record_key(record.id), 'waits_for', fingerprints)
  for fingerprint in fingerprints:gmatch('%S+') do
    if fingerprint:sub(1, 6) ~= 'limit-' then redis.call('ZADD', prefix .. ':outage', revision, record.id) end
    redis.call('ZADD', outage_key(fingerprint), place_in(fingerprint, record), record.id)
    redis.call('SADD', prefix .. ':outages', fingerprint)
  end
end

local function wait_no_more(record)
  redis.call('ZREM', prefix .. ':outage', record.id)
  for fingerprint in (record.waits_for or ''):gmatch('%S+') do
    redis.call('ZREM', outage_key(fingerprint), record.id)
  end
  redis.call('HDEL', record_key(record.id), 'waits_for')
end

local function move(record, to)
  if record.state == to then return file(record) end
  if record.state == 'queued' then redis.call('ZREM', ready_key(record.priority), record.number) end
  if record.state == 'held' then redis.call('ZREM', prefix .. ':held', record.id) end
  if record.waits_for then wait_no_more(record) end
  redis.call('HSET', record_key(record.id), 'state', to)
  record.state = to
  file(record)
  tell(record)
end

-- A server was tried; the caller files the record.
local function note_server(record, server)
  if holds(record.servers, server) then return end
  record.servers = adding(record.servers, server)
  redis.call('HSET', record_key(record.id), 'servers', record.servers)
end

local function due(record, at)
  local last = tonumber(record.expires_at)
  if at > last and record.state ~= 'sending' then at = last end
  redis.call('ZADD', due_key(record.lane), at, record.id)
  return at
end

local function let_go(record)
  redis.call('HDEL', record_key(record.id), 'token', 'lease_until', 'lease_limit', 'intent')
  record.token, record.intent = nil, nil
end

-- The final state that the outcomes speak of; `cause` decides only where recipients are still open.
local function final_state(outcomes, cause)
  if has(outcomes, 'x') or has(outcomes, 'u') then return 'uncertain' end
  if not has(outcomes, 'o') then
    if not has(outcomes, 'r') then return 'delivered' end
    if has(outcomes, 'd') then return 'partial' end
    return 'failed'
  end
  if cause ~= 'cancelled' and has(outcomes, 'd') then return 'partial' end
  return cause
end

local function finish_as(record, cause, reason, now)
  local outcomes = record.outcomes:gsub('u', 'x')
  if outcomes ~= record.outcomes then
    redis.call('HSET', record_key(record.id), 'outcomes', outcomes)
    record.outcomes = outcomes
  end
  move(record, final_state(outcomes, cause))
  redis.call('ZREM', due_key(record.lane), record.id)
  redis.call('ZADD', prefix .. ':finished', now, record.number)
  redis.call('HSET', record_key(record.id), 'finished_at', now, 'reason', reason)
  redis.call('HDEL', record_key(record.id), 'next_at', 'cancel')
  let_go(record)
  -- For the notice that tells of them all; one about a notice would never end.
  if record.state ~= 'delivered' and record.state ~= 'cancelled'
     and redis.call('HGET', record_key(record.id), 'kind') ~= 'notice' then
    redis.call('ZADD', prefix .. ':undelivered', now, record.id)
  end
end

local function wait_until(record, at, reason)
  move(record, 'waiting')
  let_go(record)
  local next_at = due(record, at)
  redis.call('HSET', record_key(record.id), 'next_at', next_at, 'reason', reason)
end

-- `since` is when a worker could first take it; one that is queued already keeps its own.
local function queue(record, ring_at, since)
  move(record, 'queued')
  redis.call('ZADD', ready_key(record.priority), 'NX', since, record.number)
  let_go(record)
  due(record, ring_at)
  redis.call('HDEL', record_key(record.id), 'next_at')
end

-- An intent is "<attempt> <letter> <delay ms> <fingerprint> <server> <at> <index>,<index>": what was about to be
-- sent to whom, and what becomes of those recipients when nobody ever says how it ended.
local function read_intent(text)
  local attempt, letter, delay, fingerprint, server, at, indexes =
    text:match('^(%d+) (%a) (%d+) (%S+) (%S+) (%d+) (.*)$')
  local list = {}
  for index in indexes:gmatch('%d+') do list[#list + 1] = tonumber(index) end
  return {attempt = tonumber(attempt), letter = letter, delay = tonumber(delay), fingerprint = fingerprint,
          server = server, at = tonumber(at), indexes = list}
end

-- The lease of a claim ran out: its worker died or hung. With an intent open nobody knows whether the server took
-- the message, so its recipients become uncertain; without one nothing was sent and it simply runs again.
local function lapse(record, now, poison_lapses)
  local lapses = tonumber(record.lapses or '0') + 1
  redis.call('HSET', record_key(record.id), 'lapses', lapses)
  record.lapses = tostring(lapses)
  local wait = nil
  if record.intent then
    local intent = read_intent(record.intent)
    local outcomes = record.outcomes
    for _, index in ipairs(intent.indexes) do
      if outcome_at(outcomes, index) ~= 'd' then outcomes = with_outcome(outcomes, index, intent.letter) end
    end
    record.outcomes = outcomes
    redis.call('HSET', record_key(record.id), 'outcomes', outcomes, 'unsure_server', intent.fingerprint,
               'unsure_at', now)
    note_server(record, intent.server)
    note_event(record.id, now, 'uncertain', 'the worker ended while the server had the message',
               {server = intent.server, stage = 'final', attempt = intent.attempt, indexes = intent.indexes,
                pass = tonumber(record.pass or '0') + 1})
    if intent.letter == 'u' then wait = intent.delay end
  else
    note_event(record.id, now, 'lease_over', 'the worker ended before anything was sent',
               {pass = tonumber(record.pass or '0') + 1})
  end
  if record.cancel then
    finish_as(record, 'cancelled', 'cancelled', now)
  elseif is_settled(record.outcomes) then
    finish_as(record, 'failed', 'uncertain: the worker ended while the server had the message', now)
  elseif lapses >= poison_lapses then
    finish_as(record, 'failed', 'poison: ' .. lapses .. ' workers ended while they held it', now)
  elseif tonumber(record.expires_at) <= now then
    finish_as(record, 'expired', 'expired', now)
  elseif wait then
    wait_until(record, now + wait, 'uncertain: one more send by the same server')
  else
    queue(record, now, now)
  end
end

-- Outcomes and timeline entries of attempts: ARGV from `first` on is the servers tried (",a,b," or ''), a count of
-- "index letter" pairs, the pairs, a count of entries, the entries. With `late`, only a 250 counts.
-- The caller files the record.
local function apply_results(record, first, late, now)
  local outcomes = record.outcomes
  local at = first + 1
  local pairs_count = tonumber(ARGV[at])
  local unsure = false
  for _ = 1, pairs_count do
    local index, letter = tonumber(ARGV[at + 1]), ARGV[at + 2]
    at = at + 2
    local old = outcome_at(outcomes, index)
    if letter == 'd' or (not late and old ~= 'd') then
      outcomes = with_outcome(outcomes, index, letter)
      if letter == 'u' then unsure = true end
    end
  end
  at = at + 1
  local entries_count = tonumber(ARGV[at])
  local changed = outcomes ~= record.outcomes
  if not late or changed then
    for i = 1, entries_count do note(record.id, ARGV[at + i]) end
    for server in ARGV[first]:gmatch('[^,]+') do note_server(record, server) end
  end
  if changed then redis.call('HSET', record_key(record.id), 'outcomes', outcomes) end
  record.outcomes = outcomes
  if not late and record.intent then
    if unsure then
      redis.call('HSET', record_key(record.id), 'unsure_server', read_intent(record.intent).fingerprint,
                 'unsure_at', now)
    end
    redis.call('HDEL', record_key(record.id), 'intent')
    record.intent = nil
  end
  return at + entries_count + 1, changed
end

-- A 250 that arrives after the claim was lost is still the truth.
local function apply_late(record, first, now)
  local _, changed = apply_results(record, first, true, now)
  if not changed then return end
  file(record)
  tell(record)
  if FINAL[record.state] then
    local state = final_state(record.outcomes, record.state)
    if state ~= record.state then
      move(record, state)
      redis.call('HSET', record_key(record.id), 'reason', 'a late reply said delivered')
    end
  elseif is_settled(record.outcomes) and record.state ~= 'sending' then
    finish_as(record, 'failed', 'a late reply said delivered', now)
  end
end
