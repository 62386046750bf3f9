"""How fast a file comes from a network share into a mail, beside `smbclient` copying it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from benchmarks.measuring.figure import Figure, Result, ratio
from benchmarks.measuring.run import Run, Side
from benchmarks.stand.stand import Stand, stand
from tests.rigs.processes import require_program, wait_until
from tests.rigs.samba import PASSWORD, USER, Samba, running_samba
from tests.rigs.smtp_sink import smtp_sink

OURS = "share to mail, from publish to delivered"
SMBCLIENT = "smbclient, the same file to /dev/null"
_MB = 1_000_000


def attachments(run: Run) -> Result:
    """MB per second of the file, and the worker's memory meanwhile."""
    program = require_program("smbclient")
    size = run.size(1, 50) * _MB
    grown: list[float] = []
    with running_samba() as samba, smtp_sink() as port, stand(run) as site:
        samba.write("big.bin", bytes(range(250)) * (size // 250))
        site.configure(primary=port)
        _allow(site, samba)
        with site.quiet_worker() as worker:
            site.mails(worker, 20, together=False)

            def ours() -> float:
                before = _reset_peak(worker.process.pid)
                began = time.perf_counter()
                sent = site.publish(attachments=[{"path": samba.path("big.bin")}], strict=True)
                wait_until(lambda: site.open_count() == 0, seconds=120, what="the mail's end")
                spent = time.perf_counter() - began
                # Strict, so delivered means with its file.
                assert site.record(sent.id).state == "delivered"
                grown.append((_status(worker.process.pid, "VmHWM") - before) / 1024)
                return size / _MB / spent

            def theirs() -> float:
                began = time.perf_counter()
                _copy(program, samba, run.folder)
                return size / _MB / (time.perf_counter() - began)

            found = run.alternate(Side(OURS, ours, "MB/s"), Side(SMBCLIENT, theirs, "MB/s"))
    return Result(
        f"a file of {size // _MB} MB on a Samba share, into a mail to smtp-sink",
        [
            *found.values(),
            ratio("share to mail / smbclient", found[OURS], found[SMBCLIENT]),
            Figure("worker's memory over idle, at its peak", "MiB", run.counted(grown)),
        ],
        notes=["The mail has a third more bytes than the file, which are encoded and written on top."],
    )


def _allow(site: Stand, samba: Samba) -> None:
    store = site.runtime.store
    store.change(
        {
            "general.unc_user": USER,
            "general.unc_password": store.cipher.seal_for_pasting(PASSWORD),
            "unc.allowed_hosts": samba.address,
            "primary_email.total_attachment_size_mb": 99,
        },
        author="benchmark",
    )


def _copy(program: str, samba: Samba, folder: Path) -> None:
    secret = folder / "smbclient"
    secret.write_text(f"username = {USER}\npassword = {PASSWORD}\n", encoding="utf-8")
    secret.chmod(0o600)
    share = f"//{samba.address}/reports"
    command = [program, share, "-p", str(samba.port), "-A", str(secret), "-c", "get big.bin /dev/null"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _reset_peak(pid: int) -> int:
    """Forget the process' peak; its memory now, in KiB."""
    # proc_pid_clear_refs(5): 5 resets the peak resident set size.
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")
    return _status(pid, "VmRSS")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise AssertionError(f"/proc/{pid}/status has no {name}")
