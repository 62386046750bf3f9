-- Put before each script: what all workers know of an account at a host, and of the account at all of them.
--
-- The hash <prefix>:unc:sign-ins has a field "<account> <host>" (both hashed) for each, a JSON object of
--   until, since, words, times   refused: not before, since when, why, and how often in a row
--   good                         until when everybody may sign in, because somebody just could
--   token, lease                 who signs in at this moment, and until when that is believed
--   touched                      the last time that anything of this changed
-- The sorted set <prefix>:unc:refusals has "<account> <token>" for each refusal of late, scored by its time.
-- Times are Unix milliseconds; the constants in capitals come from sign_in_timing.py.
local prefix = ARGV[1]
local SIGN_INS = prefix .. ':unc:sign-ins'

local REFUSALS = prefix .. ':unc:refusals'

local function load(field)
  local text = redis.call('HGET', SIGN_INS, field)
  return text and cjson.decode(text) or {}
end

local function save(field, record, now)
  record.touched = now
  redis.call('HSET', SIGN_INS, field, cjson.encode(record))
  redis.call('PEXPIRE', SIGN_INS, KEPT_MS)
end
