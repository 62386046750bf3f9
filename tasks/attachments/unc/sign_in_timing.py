"""How long a refused account is left alone; the scripts read these values as constants of their own.

Windows' own advice for the lock-out policy is 10 refusals within 10 min; many domains have 5 within 30 min.
By these values a wrong password makes three refusals in any 30 min at most, by all workers together.
"""

from __future__ import annotations

from typing import Final

#: After a refusal; each further one in a row doubles the wait, up to the second value.
BACK_OFF_FIRST_SECONDS: Final = 15 * 60
BACK_OFF_MOST_SECONDS: Final = 60 * 60
#: So many refusals of an account within the window, by whatever hosts, and no further host is asked.
REFUSALS_MOST: Final = 3
REFUSALS_WINDOW_SECONDS: Final = 30 * 60
#: A worker that signs in and is not heard of for so long is no longer waited for.
LEASE_SECONDS: Final = 30
#: Once a sign-in worked, everybody may for so long without waiting for each other.
GOOD_SECONDS: Final = 60
#: What nobody asked about for so long is forgotten.
KEPT_SECONDS: Final = 7 * 86_400
#: Why no further host is asked.
ELSEWHERE: Final = "other servers refused it"

#: The same for the scripts: times in milliseconds.
LUA_CONSTANTS: Final = "\n".join(
    [f"local REFUSALS_MOST = {REFUSALS_MOST}", f"local ELSEWHERE = '{ELSEWHERE}'"]
    + [
        f"local {name.removesuffix('_SECONDS')}_MS = {value * 1000}"
        for name, value in list(globals().items())
        if name.endswith("_SECONDS")
    ]
)
