#!/bin/sh
# An e-mail over HTTP: NOTIFY_URL=http://127.0.0.1:8090 TOKEN_FILE=token ./curl.sh KEY
# The token is read from a file, so that it is in no list of processes. Under one KEY it is accepted once, so a
# repeat after a lost reply is harmless.
set -eu
curl --silent --show-error --fail-with-body --max-time 20 --retry 3 --retry-connrefused \
  --header @- --header "Content-Type: application/json" --header "Idempotency-Key: $1" \
  --data '{"version": 1, "channel": "email", "to": ["ops@example.com"], "message": "Payroll failed"}' \
  "$NOTIFY_URL/api/v1/notifications" <<HEADER
Authorization: Bearer $(cat "$TOKEN_FILE")
HEADER
