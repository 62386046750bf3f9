"""`notify` as a test calls it: within this process, or as a process of its own."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import main

PROJECT = Path(__file__).resolve().parents[2]
_DEADLINE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as one JSON value."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """Its error line, without the mark."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("error: ")

    @property
    def hint(self) -> str:
        """Its hint, without the mark."""
        lines = [line for line in self.err.splitlines() if line.startswith("hint: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("hint: ")


class CommandLine:
    """Calls `notify` with an environment of its own."""

    def __init__(
        self, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        self.env = {"NOTIFY_REDIS_URL": url, "NOTIFY_HOME": str(home), "TZ": "UTC", "PATH": os.defpath}
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
        """Run a command in this process, with stdin as a pipe."""
        with self._monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("NOTIFY_") or name == "COLUMNS"]:
                patch.delenv(name)
            for name, value in {**self.env, **(env or {})}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            self._capsys.readouterr()
            code = main(list(arguments))
        out, err = self._capsys.readouterr()
        return Done(code, out, err)

    def start(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start it as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "console.cli.main", *arguments],
            cwd=PROJECT,
            env={**self.env, **(env or {})},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    def process(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
        """Run it as a process of its own."""
        with self.start(*arguments, env=env, stdin=subprocess.PIPE) as process:
            out, err = process.communicate(stdin, timeout=_DEADLINE_SECONDS)
        return Done(process.returncode, out.decode(), err.decode())

    def terminal(
        self, *arguments: str, typed: bytes = b"", env: Mapping[str, str] | None = None, columns: int = 80
    ) -> Done:
        """Run it as a process whose streams are all one terminal; everything shown is `out`."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {"TERM": "xterm", **(env or {})}
        with self.start(*arguments, env=env, stdin=its, stdout=its, stderr=its) as process:
            os.close(its)
            shown = _read_all(ours, typed)
        os.close(ours)
        return Done(process.returncode, shown.decode().replace("\r\n", "\n"), "")


def _read_all(descriptor: int, typed: bytes) -> bytes:
    """Everything shown; each prompt (text that ends with a colon) is answered with what is typed."""
    shown = b""
    while True:
        try:
            part = os.read(descriptor, 65_536)
        except OSError:  # the other side is closed
            return shown
        if not part:
            return shown
        shown += part
        if typed and shown.endswith(b": "):
            os.write(descriptor, typed)
