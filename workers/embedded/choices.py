"""What the first start decides and later ones keep: ports and passwords.

The options name the inboxes' ports, and people keep the pages' addresses: neither may move by itself.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workers.embedded.errors import FolderUnusable, PortTaken
from workers.embedded.ports import holder, is_free, next_free
from workers.embedded.private_file import write_private

#: What listens, in the order of the announcement, and where unless that is taken at the first start.
DEFAULT_PORTS: Mapping[str, int] = {
    "primary": 2525,
    "secondary": 2526,
    "page": 8025,
    "console": 8090,
    "flower": 5555,
    "redis": 6390,
}
PASSWORD_BYTES = 18


@dataclass(frozen=True, slots=True)
class Choices:
    """Ports by what listens there, and the passwords.

    Attributes:
        ports: See `DEFAULT_PORTS`.
        redis_password: Of the embedded Redis.
        flower_password: Of Flower's page.
        moved: Ports that another program held at the first start, by what was to listen there.
    """

    ports: Mapping[str, int]
    redis_password: str = field(repr=False)
    flower_password: str = field(repr=False)
    moved: Mapping[str, str] = field(default_factory=dict)


def settle(path: Path, *, needed: Iterable[str], wanted: Mapping[str, int]) -> Choices:
    """Decide what is not decided, and keep it.

    Args:
        path: The file that keeps it.
        needed: What will listen; its ports must be free now.
        wanted: Ports that the caller names.

    Raises:
        PortTaken: A kept or named port is held by another program.
        FolderUnusable: The file cannot be read or written.
    """
    kept = _read(path) if path.exists() else Choices({}, _password(), _password())
    ports = {**kept.ports, **wanted}
    moved = {}
    for name in needed:
        if name not in ports:
            default = DEFAULT_PORTS[name]
            ports[name] = next_free(default, apart_from=set(ports.values()))
            if ports[name] != default:
                moved[name] = f"port {default} is held by {holder(default) or 'another program'}"
        elif not is_free(ports[name]):
            raise _taken(name, ports[name])
    choices = Choices(ports, kept.redis_password, kept.flower_password, moved)
    _write(path, choices)
    return choices


def read(path: Path) -> Choices | None:
    """What was decided; None before the first start.

    Raises:
        FolderUnusable: The file cannot be read.
    """
    return _read(path) if path.exists() else None


def _password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def _taken(name: str, port: int) -> PortTaken:
    by = holder(port)
    end = f"end that program (kill {by.pid})" if by else "end the program that listens there"
    return PortTaken(
        f"port {port} ({name}) is held by {by or 'another program'}",
        hint=f'{end}, or take another port: make up ARGS="--port {name}=<number>"',
    )


def _read(path: Path) -> Choices:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        ports = {str(name): int(port) for name, port in document["ports"].items()}
        return Choices(ports, str(document["redis_password"]), str(document["flower_password"]))
    except OSError as error:
        raise FolderUnusable(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FolderUnusable(
            f"{path}: is not what `make up` wrote there",
            hint="delete it: ports and passwords are then chosen anew",
        ) from None


def _write(path: Path, choices: Choices) -> None:
    document = {
        "ports": dict(choices.ports),
        "redis_password": choices.redis_password,
        "flower_password": choices.flower_password,
    }
    try:
        write_private(path, json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise FolderUnusable(f"{path}: cannot be written: {error.strerror}") from None
