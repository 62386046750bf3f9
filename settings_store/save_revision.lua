-- Saves one revision, or nothing: compares, writes values and marks, adds the history's row.
-- KEYS: settings hash, history list, audit stream.
-- ARGV: revision it was made from, values (JSON), row without its opening brace (JSON),
--       author, keys to mark (JSON list), keys to unmark (JSON list), most rows kept,
--       detail of the audit's row without its opening brace (JSON), then that row's other fields and values.
-- Returns {1, new revision}, or {0, the revision that holds} where another was saved meanwhile.
local current = tonumber(redis.call('HGET', KEYS[1], 'revision') or '0')
if current ~= tonumber(ARGV[1]) then
  return {0, current}
end
local revision = current + 1
local now = redis.call('TIME')
local at = now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000))

local marks = cjson.decode(redis.call('HGET', KEYS[1], 'marks') or '{}')
for _, key in ipairs(cjson.decode(ARGV[5])) do
  marks[key] = {ARGV[4], tonumber(at)}
end
for _, key in ipairs(cjson.decode(ARGV[6])) do
  marks[key] = nil
end

-- The rows are put together as text: decoding and encoding their values here could alter them.
-- The audit's is first: if it cannot be written, nothing is.
local audited = {unpack(ARGV, 9)}
audited[#audited + 1] = 'detail'
audited[#audited + 1] = '{"revision":' .. revision .. ',' .. ARGV[8]
redis.call('XADD', KEYS[3], '*', unpack(audited))
redis.call('LPUSH', KEYS[2], '{"revision":' .. revision .. ',"at":' .. at .. ',' .. ARGV[3])
redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[7]) - 1)
redis.call('HSET', KEYS[1], 'revision', revision, 'values', ARGV[2], 'marks', cjson.encode(marks))
return {1, revision}
