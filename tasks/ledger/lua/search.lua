-- Look at a bounded number of records that a filter may match, newest first. Reads only.
-- The smaller of the index of one search term and the lists that fit leads; the rest is checked record by record.
-- ARGV: prefix, how many rows, how many matches to leave out first, how many records are looked at,
--       from ms, to ms ('-inf', '+inf'), begin after: score and number ('' = at the newest),
--       states (",a,b," or ''), channel, priority, server, twice (1 or '') - '' is any - then the search terms
-- Answer: total or -1 where only counting all would tell, matches seen, records looked at, whether that was the end
--         (1 or 0), score and number of the last record looked at, rows: number, id, perhaps twice (1 or 0), the
--         first ROW of FIELDS
local FIELDS = {'state', 'channel', 'priority', 'accepted_at', 'next_at', 'finished_at', 'reason', 'servers',
                'resent', 'outcomes'}
local ROW = 8
local FIRST_CHUNK, CHUNK = 8, 200 -- read at once of a list; most of many lists give a page little
local want, skip, look, low, high = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], ARGV[6]
local after_score, after_number = tonumber(ARGV[7]), ARGV[8]
local states, channel, priority, server, twice = ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13]

local function fits(list)
  local a, b, c, d, e = list:match('^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)$')
  return (states == '' or holds(states, a)) and (channel == '' or channel == b) and (priority == '' or priority == c)
         and (server == '' or holds(d, server) or false) and (twice == '' or e == 'twice')
end

local terms, least = {}, nil
for i = 14, #ARGV do
  local key = term_key(ARGV[i])
  local count = redis.call('ZCOUNT', key, low, high)
  terms[#terms + 1] = key
  if not least or count < least.count then least = {key = key, count = count, place = #terms} end
end
local any_list = states == '' and channel == '' and priority == '' and server == '' and twice == ''
local keys, in_lists = {}, 0
if not (least and any_list) then
  for _, list in ipairs(redis.call('SMEMBERS', prefix .. ':lists')) do
    if fits(list) then
      keys[#keys + 1] = list_key(list)
      in_lists = in_lists + redis.call('ZCOUNT', list_key(list), low, high)
    end
  end
end
local total = in_lists
if least then total = (any_list and #terms == 1) and least.count or -1 end
local by_term = least and (any_list or least.count <= in_lists)
if by_term then
  keys = {least.key}
  table.remove(terms, least.place)
end
if (in_lists == 0 and not by_term) or (least and least.count == 0) then return {0, 0, 0, 1, '', ''} end

-- One source for each key: what was read of it and is not merged yet.
local sources = {}
local function read(source)
  local top = after_score and ARGV[7] or high
  source.chunk = math.min(source.chunk and 4 * source.chunk or FIRST_CHUNK, CHUNK)
  source.page = redis.call('ZREVRANGEBYSCORE', source.key, top, low, 'WITHSCORES', 'LIMIT', source.offset,
                           source.chunk)
  source.offset, source.at = source.offset + source.chunk, 1
end
local function head(source)
  while true do
    if source.at > #source.page then
      if #source.page < 2 * source.chunk then return false end
      read(source)
      if #source.page == 0 then return false end
    end
    source.number, source.score = source.page[source.at], tonumber(source.page[source.at + 1])
    local is_after = not after_score or source.score < after_score
                     or (source.score == after_score and source.number < after_number)
    if is_after then return true end
    source.at = source.at + 2
  end
end
for _, key in ipairs(keys) do
  local source = {key = key, offset = 0}
  read(source)
  if head(source) then sources[#sources + 1] = source end
end

-- The row of a record, or nothing where it does not fit.
local function row_of(number)
  for _, key in ipairs(terms) do
    if not redis.call('ZSCORE', key, number) then return nil end
  end
  local id = id_of(number)
  if not id then return nil end
  local record = load(id, unpack(FIELDS))
  if not record.state or (by_term and not any_list and not fits(list_of(record))) then return nil end
  local row = {number, id, perhaps_twice(record) and 1 or 0}
  for i = 1, ROW do row[i + 3] = record[FIELDS[i]] or '' end
  return row
end

local rows, matches, looked = {}, 0, 0
local last_score, last_number = '', ''
while #sources > 0 and looked < look and not (total >= 0 and #rows == want) do
  local newest = 1
  for i = 2, #sources do
    local a, b = sources[i], sources[newest]
    if a.score > b.score or (a.score == b.score and a.number > b.number) then newest = i end
  end
  local source = sources[newest]
  last_score, last_number = source.page[source.at + 1], source.number
  looked = looked + 1
  -- What is only left out or counted needs no row where the lists alone decide.
  local match = (not by_term and #terms == 0 and (skip > 0 or #rows == want)) or row_of(source.number)
  if match then
    matches = matches + 1
    if skip > 0 then
      skip = skip - 1
    elseif #rows < want then
      rows[#rows + 1] = match
    end
  end
  source.at = source.at + 2
  if not head(source) then table.remove(sources, newest) end
end
return {total, matches, looked, #sources == 0 and 1 or 0, last_score, last_number, unpack(rows)}
