"""`notify server`: how the servers do, a test by a worker, and keeping everybody from one for a while."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import get_args

import click

from console.cli import completing
from console.cli.assignments import assigned
from console.cli.author import author, source
from console.cli.context import client, environment
from console.cli.errors import BadInput, CommandError, Failed, NothingMatched
from console.cli.flags import as_json, dry_run
from console.cli.live_view import LiveView
from console.cli.moment import moment
from console.cli.output import say, say_json, tell
from console.cli.screen import Screen
from console.cli.server_list_view import server_lines
from console.cli.server_test_view import running, test_lines
from console.cli.test_watch import watched
from console.cli.testing_store import testing_store
from console.presenting import server_json
from console.presenting.relative_time import duration
from settings_store.catalog import ALL_OPTIONS, GROUPS
from settings_store.environment import Environment
from settings_store.store import SettingsStore
from tasks.bells import Bells
from tasks.breaker import REASON_MAXIMUM_CHARACTERS, Breaker
from tasks.fleet import redis_clock
from tasks.limits import Usages
from tasks.pausing import Paused, Pausing, ServerNotSet
from tasks.server import Channel, ServerName
from tasks.server_status import server_statuses, standings
from tasks.server_test import CHAIN, Draft, InvalidDraft, ServerTests, TestNotTaken

_SERVERS = get_args(ServerName)
_name = click.argument("name", metavar="NAME", type=click.Choice(_SERVERS))


@click.group("server", no_args_is_help=True)
def server() -> None:
    """How the servers do, a test of them, and a pause.

    NAME is primary_email, secondary_email, primary_sms or secondary_sms.
    """


@server.command("list")
@as_json
def list_servers(*, as_json: bool) -> None:
    """The four servers: what is set, whether they are used, and how their last test went."""
    found = environment()
    connected = client(found)
    store = SettingsStore(connected, prefix=found.prefix)
    snapshot = store.snapshot()
    states = Breaker(connected, prefix=found.prefix).servers()
    usages = Usages(connected, prefix=found.prefix).of_servers(snapshot)
    statuses = server_statuses(snapshot, states, _tests(found, store).last(), usages)
    channels = standings(snapshot, states)
    now_ms, _ = redis_clock(connected)
    if as_json:
        say_json(server_json.listed(statuses, channels, snapshot.revision))
        return
    for line in server_lines(statuses, channels, now_ms=now_ms, screen=Screen.of(sys.stdout)):
        say(line)
    if not any(status.server for status in statuses):
        tell("no server is set: `notify options set primary_email.server_name=HOST --reason TEXT`")


_TEST_EXAMPLES = """\b
Examples:
  notify server test primary_email
  notify server test chain --to me@example.com --send
  notify server test primary_email --set primary_email.server_port=587
"""


@server.command("test", epilog=_TEST_EXAMPLES)
@click.argument("target", metavar="NAME|chain", type=click.Choice((*_SERVERS, CHAIN)))
@click.option(
    "--channel",
    type=click.Choice(get_args(Channel)),
    default="email",
    show_default=True,
    help="Whose chain `chain` is.",
)
@click.option("--to", metavar="ADDRESS", default="", help="Ask whether mail to this address is taken.")
@click.option("--send", is_flag=True, help="Send that address a real message.")
@click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    shell_complete=completing.assignments,
    multiple=True,
    help="Try a value without saving it; again for more. Secrets as in `options set`.",
)
@as_json
def test(
    *,
    target: str,
    channel: Channel,
    to: str,
    send: bool,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Have a worker try a server step by step, or each of the chain; exit code 1 if one fails.

    It connects, checks the certificate, signs in once, and names the sender; --to and --send go on from
    there. Nothing is saved but the result.
    """
    if send and not to:
        raise BadInput("--send needs somebody to send to", "--to ADDRESS --send")
    overrides = assigned(assignments)
    secrets = any(ALL_OPTIONS[key].secret and value for key, value in overrides.items())
    found = environment()
    store = testing_store(found, with_keys=secrets)
    tests = _tests(found, store)
    view = LiveView(Screen.of(sys.stdout), test_lines, running, quiet=as_json)
    try:
        test_id = tests.start(
            Draft(
                target=target,  # type: ignore[arg-type]  # click allows no other
                by=author(),
                source=source(),
                channel=channel,
                overrides=overrides,
                to=to,
                send=send,
            )
        )
        report = watched(tests, test_id, show=view.show)
    except InvalidDraft as fault:
        raise _invalid(fault, target) from None
    except TestNotTaken as fault:
        raise Failed(str(fault), "`notify doctor` looks at broker and workers") from None
    if as_json:
        say_json(server_json.test(report))
    if report.error:
        raise Failed(report.error, "`notify route explain email` shows the chain")
    if not report.ok:
        failed = [each.server for each in report.servers if not each.ok]
        raise Failed(f"{', '.join(failed) or target}: the test failed")


_reason = click.option("--reason", metavar="TEXT", required=True, help="Why; shown to everybody.")


@server.command("pause")
@_name
@_reason
@click.option(
    "--for", "length", metavar="TIME", help="For so long, such as 30m or 2h; without it, until resumed."
)
@dry_run
@as_json
def pause(*, name: ServerName, reason: str, length: str | None, dry_run: bool, as_json: bool) -> None:
    """Keep all workers from a server: mail takes the next one, or waits.

    The pause is for the server as it is set now: where its host, port, TLS or sign-in is changed, it is
    another server and not paused.
    """
    if not reason.strip():
        raise BadInput("--reason is blank: others must see why the server is paused", "--reason TEXT")
    if len(reason) > REASON_MAXIMUM_CHARACTERS:
        raise BadInput(f"--reason is too long; allowed: {REASON_MAXIMUM_CHARACTERS} characters")
    seconds = _seconds(length)
    pausing = _pausing()
    with _named(name):
        if dry_run:
            paused = pausing.look(name)
        else:
            paused = pausing.pause(name, by=author(), reason=reason, seconds=seconds, source=source())
    until = "until it is resumed" if seconds is None else f"for {duration(seconds * 1000)}"
    if as_json:
        also = list(paused.also)
        say_json({"server": name, "paused": True, "seconds": seconds, "also": also, "saved": not dry_run})
    else:
        say(f"{name} {'would be' if dry_run else 'is'} paused {until}")
    _tell_others(paused, dry_run=dry_run)


@server.command("resume")
@_name
@dry_run
@as_json
def resume(*, name: ServerName, dry_run: bool, as_json: bool) -> None:
    """End a pause. A server that is passed over, paused or not, is tried at once."""
    pausing = _pausing()
    with _named(name):
        resumed = pausing.look(name) if dry_run else pausing.resume(name, by=author(), source=source())
    if as_json:
        also = list(resumed.also)
        say_json({"server": name, "before": resumed.before, "also": also, "saved": not dry_run})
    else:
        say(f"{name} {_RESUMED[resumed.before]}")
    _tell_others(resumed, dry_run=dry_run)


_RESUMED = {
    "closed": "was not paused",
    "open": "was not paused, and is tested at once",
    "half_open": "was not paused, and is being tested",
    "paused": "is no longer paused",
}


def _pausing() -> Pausing:
    found = environment()
    connected = client(found)
    return Pausing(connected, SettingsStore(connected, prefix=found.prefix), prefix=found.prefix)


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except ServerNotSet:
        raise NothingMatched(
            f"{name}: {GROUPS[name]} is not set",
            f"`notify options set {name}.server_name=HOST --reason TEXT`",
        ) from None


def _tell_others(paused: Paused, *, dry_run: bool) -> None:
    if paused.also:
        tell(f"that is {' and '.join(paused.also)} too: same server, same sign-in")
    if dry_run:
        tell("dry run: nothing was changed")


def _seconds(length: str | None) -> float | None:
    if length is None:
        return None
    now = datetime.now(UTC)
    seconds = (moment(length, "--for", "from now", now=now) - now).total_seconds()
    if seconds <= 0:
        raise BadInput("--for: is not in the future", "for example --for 30m")
    return seconds


def _tests(found: Environment, store: SettingsStore) -> ServerTests:
    return ServerTests(
        client(found), store, Bells(found.broker_url, prefix=found.prefix), prefix=found.prefix
    )


def _invalid(fault: InvalidDraft, target: str) -> CommandError:
    what = str(fault)
    if "server_name is blank" in what:
        return NothingMatched(
            f"{target}: the server is not set",
            f"`notify options set {target}.server_name=HOST --reason TEXT`, "
            f"or try one without saving it: --set {target}.server_name=HOST",
        )
    name, _, rest = what.partition(": ")
    return BadInput(f"--{name}: {rest}")
