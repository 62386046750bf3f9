-- Say how many of those that waited for a server may go now: few a second after it recovered, then ever more.
-- Asking again with the same token gives the same number.
-- ARGV: prefix, fingerprint, how many are wanted, token
local fingerprint, wanted, token = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local now = now_ms()
local record = load(fingerprint, now)
if state_of(record, now) ~= 'closed' then return 0 end
if record.release_token == token then return number(record.release_given) end
local since = now - number(record.recovered)
if since < 0 or since >= RELEASE_PACED_MS then return wanted end

-- The bucket counts thousandths, and holds what one second pours into it.
local function poured(ms)
  local sum, rate = 0, RELEASE_FIRST_PER_SECOND
  while ms > RELEASE_DOUBLES_MS do
    sum = sum + rate * RELEASE_DOUBLES_MS
    ms = ms - RELEASE_DOUBLES_MS
    rate = rate * 2
  end
  return sum + rate * ms, rate * 1000
end
local now_poured, most = poured(since)
local bucket = number(record.bucket) + now_poured - poured(number(record.bucket_at) - number(record.recovered))
bucket = math.min(bucket, most)
local given = math.min(wanted, math.floor(bucket / 1000))
record.bucket, record.bucket_at = bucket - given * 1000, now
record.release_token, record.release_given = token, given
save(fingerprint, record, now)
return given
