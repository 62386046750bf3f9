"""A large file costs no more memory than a small one."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from tests.rigs.samba import Samba

PROJECT = Path(__file__).resolve().parents[3]
MB = 1024 * 1024
LARGE_MB = 90
MEMORY_LIMIT_MB = 100

PROGRAM = r"""
import hashlib, json, re, sys
from pathlib import Path
from settings_store.redis_client import connect
from tasks.attachments.unc.shares import Shares
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tests.rigs.share_access import access

address, path, url = sys.argv[1:]
shares = Shares(SignInGuard(connect(url)))
file = shares.open_by(path, access(address))
digest = hashlib.sha256()
for block in file.blocks():
    digest.update(block)
file.close()
shares.close()
# The most it ever had, in kB. What getrusage tells is the parent's where that had more before the fork.
most = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps([digest.hexdigest(), int(most[1]) // 1024]))
"""


def test_a_file_of_90_mb_is_read_within_100_mb_of_memory(samba: Samba, valkey_url: str) -> None:
    part = bytes(range(256)) * 4096
    with samba.write("large.bin", b"").open("wb") as large:
        for _ in range(LARGE_MB):
            large.write(part)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, samba.address, samba.path("large.bin"), valkey_url],
        check=True,
        capture_output=True,
        cwd=PROJECT,
        timeout=110,
    )
    digest, memory_mb = json.loads(done.stdout)
    assert digest == hashlib.sha256(part * LARGE_MB).hexdigest()
    assert memory_mb < MEMORY_LIMIT_MB
