#!/usr/bin/env python3
"""Makes the users of `users.acl` with passwords of their own, for a Redis and those who sign in to it.

    make_users.py HOST[:PORT] FOLDER

writes

    FOLDER/redis/users.acl          for `redis-server --aclfile`; digests, no password
    FOLDER/redis/admin-password     of `notify-admin`
    FOLDER/publisher/redis-url      for NOTIFY_REDIS_URL_FILE, and so for worker, console and flower

Where the first one is there it does nothing, so every start may call it. It needs Python alone.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sys
from pathlib import Path
from typing import Final

USERS: Final = Path(__file__).resolve().with_name("users.acl")
#: The file that is written last, and so says that all are there.
COMPLETE: Final = "redis/users.acl"
_PASSWORD = re.compile(r">([A-Z]+)_PASSWORD")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def make_users(host: str, folder: Path) -> bool:
    """Write the files, unless they are there; whether it did.

    Args:
        host: Where the Redis is, with a port where that is not 6379.
        folder: Made where it is missing. What only one may read lies in a folder of its own, because each is
            handed to another program.
    """
    if (folder / COMPLETE).exists():
        return False
    passwords: dict[str, str] = {}

    def digest(found: re.Match[str]) -> str:
        password = passwords[found[1].lower()] = secrets.token_urlsafe(32)
        return f"#{hashlib.sha256(password.encode()).hexdigest()}"

    lines = USERS.read_text(encoding="utf-8").splitlines()
    users = [_PASSWORD.sub(digest, line) for line in lines if line.startswith("user ")]
    for name, password in passwords.items():
        if name == "admin":
            _write(folder / "redis" / "admin-password", password)
        else:
            _write(folder / name / "redis-url", f"redis://notify-{name}:{password}@{host}/0")
    # Redis runs as a user of its own; digests of random passwords tell it nothing.
    _write(folder / COMPLETE, "\n".join(users), mode=0o444)
    return True


def _write(path: Path, text: str, *, mode: int = 0o400) -> None:
    """A file, whole or not at all."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o755 if path.parent.name == "redis" else 0o700)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(f"{text}\n", encoding="utf-8")
    new.chmod(mode)
    new.replace(path)


def main(arguments: list[str]) -> int:
    """0 where the files are there, 2 where it was called wrongly, 1 where they cannot be written."""
    if len(arguments) != 2 or not _HOST.fullmatch(arguments[0]):  # noqa: PLR2004  # the two of the usage
        print("usage: make_users.py HOST[:PORT] FOLDER", file=sys.stderr)
        return 2
    try:
        made = make_users(arguments[0], Path(arguments[1]))
    except OSError as error:
        print(f"error: {error.filename}: {(error.strerror or 'cannot be written').lower()}", file=sys.stderr)
        return 1
    print(f"{arguments[1]}: {'users made' if made else 'there are users already, which stay'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
