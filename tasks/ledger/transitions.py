"""Every move that the scripts can make, as a table. A model test holds the scripts to it.

`python -m tasks.ledger.transitions docs/ledger.md` writes the page that draws it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from tasks.ledger.records import FINAL_STATES, STATES, State

Move = Literal["accept", "claim", "finish", "sweep", "release", "recover", "cancel", "replay", "late 250"]


def _to(*states: State) -> frozenset[State]:
    return frozenset(states)


_ANY_END: Final = _to("delivered", "partial", "uncertain", "failed", "expired", "cancelled")
_OUT_OF_TIME: Final = _to("expired", "partial", "uncertain")
_CALLED_OFF: Final = _to("cancelled", "uncertain")
_TAKEN_AFTER_ALL: Final = _to("delivered", "partial", "uncertain")

#: Where each move may lead, by the state it starts from; None = no record yet. A move that leaves the state
#: as it is (a lease renewed, a bell rung again, a claim after a dead one) is not in the table.
TRANSITIONS: Final[Mapping[tuple[State | None, Move], frozenset[State]]] = {
    (None, "accept"): _to("queued", "waiting"),
    ("queued", "claim"): _to("sending") | _OUT_OF_TIME,
    ("sending", "claim"): _to("waiting") | _ANY_END,
    ("sending", "finish"): _to("queued", "waiting", "held") | _ANY_END,
    ("sending", "sweep"): _to("queued", "waiting") | _ANY_END,
    ("queued", "sweep"): _OUT_OF_TIME,
    ("waiting", "sweep"): _to("queued") | _OUT_OF_TIME,
    ("held", "sweep"): _OUT_OF_TIME,
    ("held", "release"): _to("queued"),
    ("waiting", "release"): _to("queued"),
    ("waiting", "recover"): _to("queued"),
    ("queued", "cancel"): _CALLED_OFF,
    ("waiting", "cancel"): _CALLED_OFF,
    ("held", "cancel"): _CALLED_OFF,
    ("queued", "late 250"): _TAKEN_AFTER_ALL,
    ("waiting", "late 250"): _TAKEN_AFTER_ALL,
    ("held", "late 250"): _TAKEN_AFTER_ALL,
    ("partial", "late 250"): _to("delivered"),
    ("uncertain", "late 250"): _to("delivered", "partial"),
    ("failed", "late 250"): _to("delivered", "partial"),
    ("expired", "late 250"): _to("delivered", "partial"),
    ("cancelled", "late 250"): _to("delivered"),
    ("partial", "replay"): _to("queued", "waiting"),
    ("uncertain", "replay"): _to("queued", "waiting"),
    ("failed", "replay"): _to("queued", "waiting"),
    ("expired", "replay"): _to("queued", "waiting"),
}

MEANING: Final[Mapping[State, str]] = {
    "queued": "accepted and rung for; a worker takes it next",
    "sending": "one worker holds a claim on it, whose lease is renewed while that worker lives",
    "waiting": "for the next pass, for `not_before`, or before an uncertain one is sent once more",
    "held": "no server is configured that could carry it; a saved option releases it",
    "delivered": "a server took it for every recipient (250 after the final dot)",
    "partial": "some recipients have it; the others were refused by every server, or time ran out",
    "uncertain": "a server may have taken it: its last reply was lost, or the worker died waiting for it",
    "failed": "every server refused it for good, or three workers died over it",
    "expired": "its age limit or `expires` passed before a server took it",
    "cancelled": "an operator cancelled it, or its task was revoked",
}

_LABEL: Final[Mapping[Move, str]] = {
    "accept": "accept",
    "claim": "claim",
    "finish": "the pass ends",
    "sweep": "sweeper",
    "release": "options saved",
    "recover": "server back",
    "cancel": "cancel",
    "replay": "replay",
    "late 250": "late 250",
}


def diagram() -> str:
    """The table as a Mermaid state diagram; the ends are drawn as one, the late 250 is left to the table."""
    edges: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (start, move), ends in TRANSITIONS.items():
        if move == "late 250":
            continue
        for end in ends:
            a, b = ("final" if state in FINAL_STATES else state or "[*]" for state in (start, end))
            edges[a, b].add(_LABEL[move])
    lines = ["stateDiagram-v2", "    direction LR"]
    lines += [f"    {a} --> {b}: {', '.join(sorted(labels))}" for (a, b), labels in sorted(edges.items())]
    lines += [
        "    state final {",
        *(f"        {state}" for state in STATES if state in FINAL_STATES),
        "    }",
    ]
    return "\n".join(lines)


_OPEN_AND_FINAL: Final = """\
The first four are open: each such record has exactly one score in the due-set, which says when somebody
looks at it again.
The others are final; of them all but `delivered` and `cancelled` are dead letters, for a person to read."""

_ABOUT_LATE: Final = """\
*Late 250*: a worker that lost its claim learns after all that a server took the message.
It may not move the state any more, but what it says is recorded, and a final state that it proves wrong is
put right."""


def page() -> str:
    """The page `docs/ledger.md`."""
    states = [f"| `{state}` | {MEANING[state]} |" for state in STATES]
    moves = [
        f"| {f'`{start}`' if start else '(none)'} | {move} | {_listed(ends)} |"
        for (start, move), ends in TRANSITIONS.items()
    ]
    parts = (
        "# The states of a notification",
        "<!-- Written by `python -m tasks.ledger.transitions docs/ledger.md`; a test keeps it current. -->",
        f"```mermaid\n{diagram()}\n```",
        "\n".join(("| state | means |", "|---|---|", *states)),
        _OPEN_AND_FINAL,
        "## Every move",
        "\n".join(("| from | move | may lead to |", "|---|---|---|", *moves)),
        _ABOUT_LATE,
    )
    return "\n\n".join(parts) + "\n"


def _listed(states: frozenset[State]) -> str:
    return ", ".join(f"`{state}`" for state in STATES if state in states)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
