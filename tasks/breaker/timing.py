"""How long the breaker waits for what; the scripts read these values as constants of their own."""

from __future__ import annotations

from typing import Final

#: What is known of a server that nobody asked about for so long is forgotten.
KEPT_SECONDS: Final = 7 * 86_400
#: The record's life is lengthened this often at most, so that asking costs no write.
TOUCH_SECONDS: Final = 86_400
#: The first test of a server that was down; each failed one doubles the wait, up to the second value.
DOWN_PROBE_FIRST_SECONDS: Final = 5
DOWN_PROBE_MOST_SECONDS: Final = 60
#: The same where the sign-in was refused: too many tries lock an account.
MISCONFIGURED_PROBE_FIRST_SECONDS: Final = 60
MISCONFIGURED_PROBE_MOST_SECONDS: Final = 600
#: A worker that took a test and is not heard of for so long has lost it.
PROBE_LEASE_SECONDS: Final = 30
#: A test that is due and not taken yet is expected within so long.
OVERDUE_PROBE_SECONDS: Final = 1
#: The same for the first sign-in.
SIGN_IN_LEASE_SECONDS: Final = 30
#: A pause without an end is looked at again after so long.
LOOK_AGAIN_SECONDS: Final = 60
#: The time of the last success is no more exact than this, which spares a write for each message.
SUCCESS_RESOLUTION_SECONDS: Final = 10
#: What waited for a server is released at this rate when it recovers,
RELEASE_FIRST_PER_SECOND: Final = 10
#: which doubles each time so long has passed,
RELEASE_DOUBLES_SECONDS: Final = 5
#: and without any limit after this.
RELEASE_PACED_SECONDS: Final = 30

_SECONDS: Final = {name: value for name, value in globals().items() if name.endswith("_SECONDS")}

#: The same for the scripts: times in milliseconds.
LUA_CONSTANTS: Final = "\n".join(
    [f"local RELEASE_FIRST_PER_SECOND = {RELEASE_FIRST_PER_SECOND}"]
    + [f"local {name.removesuffix('_SECONDS')}_MS = {value * 1000}" for name, value in _SECONDS.items()]
)
