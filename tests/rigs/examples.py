"""How many examples a test of a door tries: few for every change, a hundred times as many by `make fuzz`."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, settings

LONG_PROFILE: Final = "long"
_TIMES: Final = 100


def examples(few: int) -> settings:
    """For a test, or for a function within one that holds a server."""
    times = _TIMES if settings.get_current_profile_name() == LONG_PROFILE else 1
    return settings(
        max_examples=few * times,
        # The servers stay from example to example on purpose, and great documents are meant to be great.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
