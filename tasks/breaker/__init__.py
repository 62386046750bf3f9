"""The breaker: which servers are left alone for now, decided for all workers together, in Redis.

Each server is known by its fingerprint, so that a changed option makes another one, of which nothing bad is
known. A server is

    closed      used as ever
    open        failed too often: passed over until a test finds it well
    half_open   one worker is testing it
    paused      an operator keeps everybody away, whatever the rest says

Closed to open: by failures in a row, or by one that only an operator can cure. Open to half_open: when its
test is due, by the one worker that takes it. Half_open to closed: the test, or any transaction, succeeded;
back to open: it failed, or its worker was not heard of again.
"""

from tasks.breaker.breaker import REASON_MAXIMUM_CHARACTERS, Breaker
from tasks.breaker.errors import BreakerError, InvalidPause, SignInAwaited
from tasks.breaker.first_sign_in import FirstSignIn
from tasks.breaker.meaning import Meaning, meaning_of
from tasks.breaker.records import BreakerState, Permission, Reported, ServerState, SignIn

__all__ = [
    "REASON_MAXIMUM_CHARACTERS",
    "Breaker",
    "BreakerError",
    "BreakerState",
    "FirstSignIn",
    "InvalidPause",
    "Meaning",
    "Permission",
    "Reported",
    "ServerState",
    "SignIn",
    "SignInAwaited",
    "meaning_of",
]
