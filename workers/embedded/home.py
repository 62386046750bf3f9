"""The data folder: what lies where, and the lock that lets one `make up` at a time use it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from settings_store.environment import EMBEDDED_FILE, data_folder
from workers.embedded.errors import AlreadyRunning, FolderUnusable

OWNER_ONLY_FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class Home:
    """Paths in the data folder; all are absolute, so a child may run anywhere.

    Attributes:
        folder: `NOTIFY_HOME`, else `data/` in the project.
    """

    folder: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Home:
        """The data folder that the environment names; nothing is made yet."""
        return cls(data_folder(environ).expanduser().resolve())

    @property
    def environment_file(self) -> Path:
        """Where `notify` in another terminal finds what runs here."""
        return self.folder / EMBEDDED_FILE

    @property
    def choices_file(self) -> Path:
        """Ports and passwords, chosen once."""
        return self.folder / "embedded.json"

    @property
    def key_file(self) -> Path:
        """The key ring, unless NOTIFY_KEY_FILE names another."""
        return self.folder / "keyring.json"

    @property
    def redis(self) -> Path:
        """What the embedded Redis keeps."""
        return self.folder / "redis"

    @property
    def logs(self) -> Path:
        """One log for each child."""
        return self.folder / "logs"

    @property
    def inboxes(self) -> Path:
        """A folder of .eml files for each inbox."""
        return self.folder / "inboxes"

    def make(self) -> None:
        """Make the folders, readable by their owner alone.

        Raises:
            FolderUnusable: They cannot be made.
        """
        try:
            for folder in (self.folder, self.redis, self.logs, self.inboxes):
                folder.mkdir(mode=OWNER_ONLY_FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise FolderUnusable(
                f"{error.filename}: cannot be made: {error.strerror}",
                hint="name another folder: NOTIFY_HOME=<folder> make up",
            ) from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; the lock goes with the process, however that ends.

        Raises:
            AlreadyRunning: Another process holds it; the message names its pid.
            FolderUnusable: The lock cannot be made.
        """
        path = self.folder / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise FolderUnusable(f"{path}: cannot be made: {error.strerror}") from None
        with open(descriptor, "r+", encoding="ascii") as file:  # noqa: PTH123 - Path cannot open a descriptor
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = file.read().strip()
                raise AlreadyRunning(
                    f"make up already runs on {self.folder}" + (f" (pid {pid})" if pid else ""),
                    hint=f"end it with Ctrl-C in its terminal{f' or kill {pid}' if pid else ''}, "
                    "or run a second one beside it: NOTIFY_HOME=<another folder> make up",
                ) from None
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
