"""What a share that hangs costs the mails that want nothing of it: `python -m benchmarks.hanging_share`.

One worker with its usual 16 slots serves every queue. In each round fifty mails that want a file of a share
are published, and plain ones beside them at an even pace; in every second round the share takes connections
and never answers. Told is how long the plain ones took from accepted to delivered. Needs root, for Samba.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from settings_store.keyring import generate
from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import wait_until
from tests.rigs.samba import PASSWORD, USER, running_samba
from tests.rigs.stalling import Staller, running_staller

FETCHES = 50
ALLOWED_RATIO = 1.2
_HOURS = 3600.0


def main() -> int:
    """Measure, print, and say by the exit code whether it was within what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6, help="of each kind (default 6)")
    parser.add_argument("--plain", type=int, default=200, help="plain mails a round (default 200)")
    parser.add_argument("--per-second", type=float, default=20.0, help="their pace (default 20)")
    given = parser.parse_args()
    took: dict[bool, list[float]] = {False: [], True: []}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_samba() as samba,
        running_staller(samba) as share,
        open_mailbox() as mailbox,
    ):
        generate(Path(folder) / "keys.json")
        samba.write("job.log", b"line\n" * 20_000)
        with running_installation(Path(folder), NOTIFY_KEY_FILE=f"{folder}/keys.json") as installation:
            installation.configure(primary=mailbox)
            store = installation.runtime.store
            store.change(
                {
                    "general.unc_user": USER,
                    "general.unc_password": store.cipher.seal_for_pasting(PASSWORD),
                    "unc.allowed_hosts": share.address,
                    "attachments.patience_seconds": 0,
                },
                author="benchmark",
            )
            with installation.worker():
                _round(installation, share, given.plain, given.per_second, hangs=False)
                for number in range(given.rounds):
                    # In turn which comes first, so that neither has the better part of the machine's day.
                    for hangs in (False, True) if number % 2 else (True, False):
                        seconds = _round(installation, share, given.plain, given.per_second, hangs=hangs)
                        took[hangs] += seconds
                        print(
                            f"round {number + 1} {_name(hangs)} p99 {_p99(seconds) * 1000:6.1f} ms",
                            flush=True,
                        )
    print(f"\n{'share':8} {'mails':>6} {'p50 ms':>8} {'p99 ms':>8}")
    for hangs, seconds in took.items():
        p50 = statistics.median(seconds)
        print(f"{_name(hangs):8} {len(seconds):6} {p50 * 1000:8.1f} {_p99(seconds) * 1000:8.1f}")
    ratio = _p99(took[True]) / _p99(took[False])
    print(
        f"p99 of plain mails beside {FETCHES} hanging fetches: {ratio:.2f} x healthy, allowed {ALLOWED_RATIO}"
    )
    return int(ratio > ALLOWED_RATIO)


def _round(
    installation: Installation, share: Staller, plain: int, per_second: float, *, hangs: bool
) -> list[float]:
    """How long each plain mail took, in seconds."""
    share.stalls = hangs
    path = rf"\\{share.address}\reports\job.log"
    with_file = installation.publish_many(FETCHES, attachments=[{"path": path}])
    if hangs:
        wait_until(lambda: share.stalled, seconds=60, what="the first fetch hanging")
    began = time.monotonic()
    ids: list[str] = []
    for number in range(plain):
        time.sleep(max(began + number / per_second - time.monotonic(), 0))
        ids.append(installation.publish().id)
    records = [installation.wait_state(each, "delivered", seconds=_HOURS) for each in ids]
    if hangs:
        assert share.stalled, "the fetches hung for as long as the plain mails were measured"
    share.let_go()
    for each in with_file:
        installation.wait_state(each, "delivered", seconds=_HOURS)
    return [((record.finished_at_ms or 0) - record.accepted_at_ms) / 1000 for record in records]


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def _name(hangs: bool) -> str:  # noqa: FBT001
    return "hangs" if hangs else "healthy"


if __name__ == "__main__":
    sys.exit(main())
