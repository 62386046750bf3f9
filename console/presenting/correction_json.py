"""What became of many that were corrected, as JSON with stable names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tasks.corrections import DONE, Corrected


def correction_json(corrected: Iterable[Corrected], *, dry_run: bool, is_whole: bool) -> dict[str, Any]:
    """The outcome with stable names: counts, and one entry for each notification."""
    everything = list(corrected)
    counts = Counter(one.answer for one in everything)
    groups = Counter((one.answer, one.chosen.state, one.chosen.reason) for one in everything)
    return {
        "dry_run": dry_run,
        "done": sum(counts[answer] for answer in DONE),
        "outcomes": dict(counts),
        "reasons": [
            {"outcome": answer, "state": state, "reason": reason or None, "count": count}
            for (answer, state, reason), count in groups.most_common()
        ],
        "messages": [
            {
                "id": one.chosen.id,
                "number": one.chosen.number,
                "state": one.state or None,
                "outcome": one.answer,
            }
            for one in everything
        ],
        "whole": is_whole,
    }
