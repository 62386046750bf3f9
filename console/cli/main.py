"""`notify`, the command line: it runs a command, and whatever goes wrong ends in one line and a hint."""

from __future__ import annotations

import atexit
import contextlib
import difflib
import gc
import importlib
import os
import sys
from collections.abc import Callable, Sequence

import click

from console.cli.errors import INTERRUPTED, NOBODY_READS, OK, BadInput, CommandError
from console.cli.lazy_group import Lazy, LazyGroup
from console.cli.output import say, show_error

# A process that ends gives its memory back at once. The interpreter would look through all modules for
# garbage first, which took a quarter of a short command's time.
atexit.register(gc.freeze)

_COMMANDS = {
    "send": Lazy("console.cli.send", "send", "send an e-mail or a text"),
    "exec": Lazy("console.cli.exec", "exec_", "run a job, and tell where it fails"),
    "message": Lazy("console.cli.message", "message", "what became of messages: show, list, watch, replay"),
    "options": Lazy("console.cli.options", "options", "the options: look, set, compare, roll back, export"),
    "route": Lazy("console.cli.route", "route", "which servers a message goes to, and why"),
    "audit": Lazy("console.cli.audit", "audit", "who did what, when and from where: list, export"),
    "share": Lazy("console.cli.share", "share", "which network shares attachments may come from"),
    "attachment": Lazy("console.cli.attachment", "attachment", "whether a worker can fetch a file: test"),
    "doctor": Lazy("console.cli.doctor", "doctor", "what is wrong here, and how to mend it"),
    "server": Lazy("console.cli.server", "server", "the servers: list, test, pause, resume"),
    "console": Lazy("console.cli.console", "console", "serve the pages and the HTTP API"),
    "account": Lazy("console.cli.account", "account", "who signs in: list, add, set-password, set-role, …"),
    "role": Lazy("console.cli.role", "role", "named sets of privileges: list, add, set, remove"),
    "token": Lazy("console.cli.token", "token", "what programs sign in with: create, list, revoke"),
    "encrypt": Lazy("console.cli.secrets", "encrypt", "seal a password for an option"),
    "keys": Lazy("console.cli.keys", "keys", "the keys that seal secrets: generate, rotate, status, remove"),
    "schema": Lazy("console.cli.schema", "schema", "the JSON schema of a notification"),
    "completion": Lazy("console.cli.completion", "completion", "completion for bash, zsh and fish"),
}

_EPILOG = """\b
Exit codes:
  0 done             1 failed          2 usage or bad input
  3 nothing matched  4 not allowed     5 still open after --wait

\b
Environment:
  NOTIFY_REDIS_URL  options and messages; a running `make up` is found alone
  NOTIFY_KEY_FILE   the keys that open secrets
  NOTIFY_REDIS_CA_FILE
                    the authorities that vouch for a rediss:// server
  NO_COLOR          no colour
"""


def _show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:  # noqa: FBT001  # click's form
    if asked:
        metadata = importlib.import_module("importlib.metadata")
        say(f"notify {metadata.version('notify-worker')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def root() -> None:
    """Send notifications by e-mail and text, and see what became of them.

    Data goes to stdout, words about it to stderr. Every command that prints data takes --json.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; see `errors` for what each means."""
    _open_closed_streams()
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except BrokenPipeError:
        _drop_output()
        return NOBODY_READS
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(arguments: list[str]) -> int:
    try:
        code = root.main(arguments, prog_name="notify", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return BadInput.exit_code
    except click.UsageError as error:
        return _ended(_usage(error))
    except click.Abort:
        return INTERRUPTED
    except SystemExit as stop:  # click's way to say that nobody reads
        return NOBODY_READS if stop.code else OK
    except BrokenPipeError:
        raise
    except Exception as error:
        explain: Callable[[BaseException], CommandError | None] = importlib.import_module(
            "console.cli.faults"
        ).explained
        fault = explain(error)
        if fault is None:
            raise
        return _ended(fault)
    return code if isinstance(code, int) else OK


def _ended(error: CommandError) -> int:
    # What was printed before comes before the error, also where both go to one file.
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
    show_error(error)
    return error.exit_code


def _usage(error: click.UsageError) -> BadInput:
    """A usage error in our form; the nearest name is proposed where there is one."""
    path = error.ctx.command_path if error.ctx else "notify"
    message = " ".join(error.format_message().split())
    hint = f"`{path} --help`"
    asked = getattr(error, "command_name", None) or getattr(error, "option_name", None)
    known = _known(error.ctx, options=getattr(error, "command_name", None) is None)
    near = difflib.get_close_matches(str(asked or ""), known, n=1, cutoff=0.5)
    if near:
        message = message.partition(" Did you mean")[0].partition(" (Did you mean")[0]
        hint = f"did you mean {near[0]}? `{path} --help` shows all"
    return BadInput(message[:1].lower() + message[1:].rstrip("."), hint)


def _known(ctx: click.Context | None, *, options: bool) -> list[str]:
    if ctx is None:
        return []
    if not options and isinstance(ctx.command, click.Group):
        return ctx.command.list_commands(ctx)
    return [name for parameter in ctx.command.params for name in parameter.opts]


def _open_closed_streams() -> None:
    """Whoever starts us with `<&-` or `>&-` leaves no stream at all."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  # a device, for good
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # the same


def _drop_output() -> None:
    """What nobody takes is thrown away: the interpreter's own last flush must not fail on it once more."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
