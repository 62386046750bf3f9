"""All benchmarks that compare, by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks import (
    attachments,
    distance,
    fan_out,
    growth,
    latency,
    overhead,
    peers,
    publishing,
    round_trips,
    scale,
    start,
)
from benchmarks.measuring.figure import Result
from benchmarks.measuring.run import Run

BENCHMARKS: Final[Mapping[str, Callable[[Run], Result]]] = {
    "overhead": overhead.overhead,
    "latency": latency.latency,
    "round_trips": round_trips.round_trips,
    "distance": distance.distance,
    "publishing": publishing.publishing,
    "fan_out": fan_out.fan_out,
    "growth": growth.growth,
    "attachments": attachments.attachments,
    "start": start.start,
    "scale": scale.scale,
    "peers": peers.peers,
}
