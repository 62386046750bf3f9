"""What a route demands of whoever asks. There is no default: a route that declares nothing is a defect."""

from __future__ import annotations

import enum

from settings_store.access import Privilege


class Open(enum.Enum):
    """A demand that is no privilege."""

    #: Whoever reaches the address.
    ANYBODY = "anybody"
    #: Whoever has signed in, whatever they may do.
    SIGNED_IN = "signed in"


Need = Privilege | Open
