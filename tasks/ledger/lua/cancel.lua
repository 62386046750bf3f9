-- Cancel what is not yet sent. One that is being sent is only marked: the worker stops before the next body.
-- ARGV: prefix, id, by, reason or ''
local now = now_ms()
insist()
local record = load_common(ARGV[2])
if not record.state then return {'unknown', ''} end
if FINAL[record.state] then return {'final', record.state} end
local why = 'cancelled by ' .. ARGV[3] .. (ARGV[4] ~= '' and ': ' .. ARGV[4] or '')
if record.state == 'sending' then
  if not record.cancel then
    redis.call('HSET', record_key(record.id), 'cancel', ARGV[3])
    note_event(record.id, now, 'cancel_asked', why)
    tell(record)
  end
  return {'asked', record.state}
end
note_event(record.id, now, 'cancelled', why)
finish_as(record, 'cancelled', 'cancelled by ' .. ARGV[3], now)
return {'cancelled', record.state}
