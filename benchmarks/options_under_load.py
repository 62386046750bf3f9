"""2,000 notifications flow through real workers while the options change and change back; what came of it.

`python -m benchmarks.options_under_load` prints a table, with `--json` the same for programs. Exit code 1
where a mail was lost, came twice, or came to a server that was not configured when its attempt began.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from tests.rigs.options_under_load import Findings, options_under_load

MUST_BE_EMPTY = ("lost", "twice", "not_configured", "replaced_before")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=2_000, help="notifications (2000)")
    parser.add_argument("--changes", type=int, default=52, help="saved changes (52: four times round)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, options_under_load(Path(folder)) as load:
        found = load.run(asked.count, asked.changes, workers=asked.workers)
    if asked.json:
        print(json.dumps(dataclasses.asdict(found)))
    else:
        show(found)
    return int(any(getattr(found, name) for name in MUST_BE_EMPTY))


def show(found: Findings) -> None:
    print(
        f"{found.notifications:,} notifications in {found.seconds:.1f} s, {found.revisions} revisions saved,"
    )
    print(f"mails sent under {found.revisions_used} of them\n")
    for title, counts in (("server", found.by_server), ("sender", found.by_sender)):
        for name, count in sorted(counts.items()):
            print(f"  {title:<8}{name:<32}{count:>6,}")
    print()
    for name in MUST_BE_EMPTY:
        faults = getattr(found, name)
        print(f"  {name.replace('_', ' '):<24}{len(faults):>6,}")
        for fault in faults[:5]:
            print(f"    {fault}")


if __name__ == "__main__":
    sys.exit(main())
