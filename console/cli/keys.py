"""`notify keys`: the keys that seal secrets, made, rotated without stopping a worker, and taken away."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import click

from console.cli.author import author, source
from console.cli.context import client, environment
from console.cli.errors import FAILED, BadInput, Failed, NothingMatched
from console.cli.flags import Seconds, as_json
from console.cli.output import say, say_json, tell, warn
from settings_store import key_file
from settings_store.audit import Audit
from settings_store.environment import Environment
from settings_store.keyring import Keyring, generate, load, read
from settings_store.sealed_places import Resealed
from tasks.key_rotation import KeyRotation, KeyUse

#: Workers look at their key files with every sign of life, which is every 5 s.
_WAIT_SECONDS: Final = 60
_LOOK_EVERY_SECONDS: Final = 0.2


@click.group("keys", no_args_is_help=True)
def keys() -> None:
    """The keys that seal secrets: files of their own, never in Redis."""


@keys.command("generate")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def generate_keys(*, file: Path, as_json: bool) -> None:
    """Write a new key file, readable by its owner alone. It never overwrites one."""
    ring = generate(file)
    if as_json:
        say_json({"file": str(file.absolute()), "primary": ring.primary})
    else:
        say(str(file.absolute()))
    tell(f"name it for every worker and command: NOTIFY_KEY_FILE={file.absolute()}")
    tell("back it up apart from Redis: a lost key file takes every secret with it")


_ROTATE_EPILOG = """\b
One key file for all, that this command may write:
  notify keys rotate --new-key
\b
Key files that are handed out (Kubernetes, Docker, several hosts):
  notify keys generate NEW
  NOTIFY_KEY_FILE=OLD:NEW  for every worker; nothing changes yet
  NOTIFY_KEY_FILE=NEW:OLD  for every worker and here
  notify keys rotate
\b
Then, once `notify keys status` shows no value under the old key:
  notify keys remove KEY
"""


@keys.command("rotate", epilog=_ROTATE_EPILOG)
@click.option("--new-key", is_flag=True, help="Make a new key in the first key file, and seal with that.")
@click.option(
    "--wait",
    "wait_seconds",
    type=Seconds(0, 3600),
    default=_WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for workers to read the new key.",
)
@as_json
def rotate(*, new_key: bool, wait_seconds: float, as_json: bool) -> None:
    """Seal everything with the key that seals now, the history included.

    Workers go on meanwhile. Broken off at any moment, it is begun again by the same command.
    """
    found = environment()
    rotation, ring = _rotation(found), _ring(found)
    if new_key and rotation.left(ring):
        tell("an earlier rotation is not finished: this finishes it, and makes no new key")
    elif new_key:
        key_id = key_file.add_next(found.key_files[0])
        tell(f"key {key_id} is in {found.key_files[0]}; waiting for every worker to read it")
        _wait_for_workers(rotation, key_id, wait_seconds)
        key_file.promote(found.key_files[0], key_id)
        ring = _ring(found)
    _wait_for_workers(rotation, ring.primary, wait_seconds)
    done = rotation.reseal(ring)
    left = rotation.left(ring)
    counts = {title: each.done for title, each in done.items()}
    Audit(client(found), prefix=found.prefix).record(
        author(),
        "keys.rotate",
        ring.primary,
        outcome="failed" if left or any(each.faults for each in done.values()) else "done",
        detail={"resealed": counts, "left": left},
        source=source(),
    )
    _show_rotation(ring, done, left, as_json=as_json)


@keys.command("status")
@as_json
def status(*, as_json: bool) -> None:
    """Which key sealed how many values, and which workers lack it."""
    found = environment()
    uses = _rotation(found).uses(load(found.key_files))
    if as_json:
        say_json({"keys": [_use_json(use) for use in uses]})
    for use in uses if not as_json else ():
        say(f"{use.id}  {_role(use)}")
        for place, count in use.values.items():
            say(f"  {count} in the {place}")
        if not use.values:
            say("  seals nothing")
        if use.held and use.lacking:
            say(f"  not read by {', '.join(use.lacking)}")
    if not uses:
        tell("there is no key ring here, and nothing is sealed")
    lost = [use.id for use in uses if use.total and not use.held]
    if lost:
        warn(f"the key ring here lacks {', '.join(lost)}: what it sealed cannot be opened")
        tell("add the file that holds it to NOTIFY_KEY_FILE, or set those secrets anew")
        raise click.exceptions.Exit(FAILED)


@keys.command("remove")
@click.argument("key_id", metavar="KEY")
@as_json
def remove(*, key_id: str, as_json: bool) -> None:
    """Take a key that seals nothing any more out of its file, for good."""
    found = environment()
    uses = {use.id: use for use in _rotation(found).uses(_ring(found))}
    holding = [path for path in found.key_files if key_id in read(path).keys]
    if not holding:
        raise NothingMatched(f"{key_id}: no key file here holds it", "`notify keys status` shows the keys")
    if uses[key_id].total:
        raise Failed(
            f"{key_id}: {uses[key_id].total} values are sealed with it",
            "`notify keys rotate` seals them anew",
        )
    for path in holding:
        key_file.remove(path, key_id)
    Audit(client(found), prefix=found.prefix).record(author(), "keys.remove", key_id, source=source())
    if as_json:
        say_json({"id": key_id, "removed": True})
    else:
        say(f"{key_id} is removed")
    tell("what was sealed with it by `notify encrypt` and is not saved yet cannot be opened any more")


def _rotation(found: Environment) -> KeyRotation:
    return KeyRotation(client(found), prefix=found.prefix)


def _ring(found: Environment) -> Keyring:
    ring = load(found.key_files)
    if ring is None:
        raise BadInput(
            "NOTIFY_KEY_FILE is not set, so there is no key to seal with",
            "`notify keys generate FILE`, then name FILE in NOTIFY_KEY_FILE",
        )
    return ring


def _wait_for_workers(rotation: KeyRotation, key_id: str, wait_seconds: float) -> None:
    """Return once every worker that lives has the key: what is sealed with it can be opened everywhere."""
    until = time.monotonic() + wait_seconds
    while lacking := rotation.lacking(key_id):
        if time.monotonic() > until:
            raise Failed(
                f"nothing was sealed: the key {key_id} is not read by {', '.join(lacking)}",
                "give these workers the key file (NOTIFY_KEY_FILE), then repeat the command",
            )
        time.sleep(_LOOK_EVERY_SECONDS)


def _show_rotation(ring: Keyring, done: dict[str, Resealed], left: int, *, as_json: bool) -> None:
    faults = [str(fault) for each in done.values() for fault in each.faults]
    if as_json:
        counts = {title: each.done for title, each in done.items()}
        say_json({"primary": ring.primary, "resealed": counts, "left": left, "faults": faults})
    else:
        say(f"{ring.primary} seals everything from now on")
        for title, each in done.items():
            say(f"  {each.done} resealed in the {title}")
    if faults:
        raise Failed(f"{len(faults)} could not be opened", details=tuple(faults))
    if left:
        raise Failed(f"{left} values are left under other keys", "`notify keys rotate` again")
    if any(each.done for each in done.values()):
        tell("nothing is left under the other keys; `notify keys remove KEY` takes one away")


def _role(use: KeyUse) -> str:
    if use.seals:
        return "seals"
    return "opens" if use.held else "is not in the key ring here"


def _use_json(use: KeyUse) -> dict[str, Any]:
    return {
        "id": use.id,
        "held": use.held,
        "seals": use.seals,
        "values": use.values,
        "workers_lacking": list(use.lacking),
    }
