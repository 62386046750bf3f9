"""How long the limits remember what; the scripts read these values as constants of their own."""

from __future__ import annotations

from typing import Final

#: What a limit counts in.
MINUTE_SECONDS: Final = 60.0
#: A turn that is not taken at its time is counted on for so long, and honoured for the longer one.
LATE_SECONDS: Final = 10.0
TURN_KEPT_SECONDS: Final = 600.0
#: So long after its time a turn is called before all that have none; later it comes by its age alone.
TURN_CALLED_SECONDS: Final = 30.0
#: A holder of a connection that is not heard of for so long has lost it.
SLOT_LEASE_SECONDS: Final = 30.0
#: A connection whose server has not been seen to close its side is counted for so long after we closed ours.
LEFT_SECONDS: Final = 5.0
#: A worker that was refused a connection is remembered for so long: a free one is set aside for it meanwhile.
WAITING_SECONDS: Final = 3.0
#: Whoever is refused a connection comes again after this at the least,
COME_AGAIN_SECONDS: Final = 1.0
#: one behind the other by so much for each connection there is,
COME_AGAIN_SPREAD_SECONDS: Final = 0.1
#: and after this at the most.
COME_AGAIN_MOST_SECONDS: Final = 60.0
#: What is urgent comes again so soon, out of the line.
URGENT_COME_AGAIN_SECONDS: Final = 0.2
#: Of an account that nobody uses, nothing is left after so long.
NOTES_KEPT_SECONDS: Final = 86_400.0

_SECONDS: Final = {name: value for name, value in globals().items() if name.endswith("_SECONDS")}

#: The same for the scripts, in milliseconds.
LUA_CONSTANTS: Final = "\n".join(
    f"local {name.removesuffix('_SECONDS')}_MS = {int(value * 1000)}" for name, value in _SECONDS.items()
)
