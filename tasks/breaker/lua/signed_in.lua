-- Take in how a first sign-in ended: with success everybody may, else the next one may try.
-- ARGV: prefix, fingerprint, token, ok (1 or 0)
local fingerprint, token, ok = ARGV[2], ARGV[3], ARGV[4] == '1'
local now = now_ms()
local record = load(fingerprint, now)
local is_ours = record.sign_in_token == token
if record.signed_in == '1' or not (is_ours or ok) then return 0 end
if ok then record.signed_in = '1' end
record.sign_in_token, record.sign_in_until = nil, nil
if next(record) == nil then
  redis.call('DEL', key_of(fingerprint))
else
  save(fingerprint, record, now)
end
return 1
