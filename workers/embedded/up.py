"""`make up`: from nothing to everything, then staying until it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import redis

from settings_store import environment as surroundings
from settings_store.access import Access, first_administrator
from settings_store.access.first_administrator import FirstAdministrator
from settings_store.errors import SettingsError
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from workers.embedded.announce import Announcer
from workers.embedded.child import Child, Program
from workers.embedded.choices import DEFAULT_PORTS, Choices, settle
from workers.embedded.errors import EmbeddedFault, NotReady
from workers.embedded.first_start import AUTHOR, first_options, key_files, strayed
from workers.embedded.home import Home
from workers.embedded.next_command import first_mail, notify_command, short
from workers.embedded.ports import LOOPBACK
from workers.embedded.private_file import write_private
from workers.embedded.programs import FLOWER_USER, flower_address, programs
from workers.embedded.redis_server import check_answers, redis_program, redis_url, shown_address
from workers.embedded.stop_signal import StopSignal
from workers.embedded.supervisor import StopAsked, Supervisor

#: Reading a big append-only file takes its time.
REDIS_READY_SECONDS = 120.0
CHILD_READY_SECONDS = 60.0
FAILED = 1

#: From the data folder, the choices and the environment of the children to what is supervised beside Redis.
Programs = Callable[[Home, Choices, Mapping[str, str]], list[Program]]


def up(
    environ: Mapping[str, str],
    announcer: Announcer,
    *,
    wanted_ports: Mapping[str, int],
    beside_redis: Programs = programs,
) -> int:
    """Start everything, stay, and stop everything; the exit code: 0 after a stop that was asked for, else 1.

    Args:
        environ: The caller's environment.
        announcer: Where it tells.
        wanted_ports: Ports that the caller names, by what listens there.
        beside_redis: The programs to supervise.
    """
    home = Home.of(environ)
    try:
        home.make()
        with home.locked(), StopSignal() as stop, Supervisor(home.logs, announcer, stop) as supervisor:
            try:
                _Start(environ, home, announcer, supervisor).run(wanted_ports, beside_redis)
                supervisor.watch()
            except StopAsked:
                pass
            finally:
                home.environment_file.unlink(missing_ok=True)
    except EmbeddedFault as fault:
        announcer.fault(str(fault), fault.hint)
        return FAILED
    except (SettingsError, surroundings.InvalidEnvironment, redis.RedisError, OSError) as fault:
        announcer.fault(str(fault), f"the logs are in {home.logs}")
        return FAILED
    return 0


class _Start:
    """One start, step by step."""

    def __init__(
        self, environ: Mapping[str, str], home: Home, announcer: Announcer, supervisor: Supervisor
    ) -> None:
        self._environ = environ
        self._home = home
        self._announcer = announcer
        self._supervisor = supervisor
        self._own_redis = not environ.get("NOTIFY_REDIS_URL")

    def run(self, wanted_ports: Mapping[str, int], beside_redis: Programs) -> None:
        """Start everything and announce it."""
        needed = [name for name in DEFAULT_PORTS if name != "redis" or self._own_redis]
        choices = settle(self._home.choices_file, needed=needed, wanted=wanted_ports)
        for name, why in choices.moved.items():
            self._announcer.note(f"{why}; {name} takes {choices.ports[name]}")
        named = {
            name: value
            for name, value in self._environ.items()
            if name in {"NOTIFY_REDIS_URL", "NOTIFY_BROKER_URL", "NOTIFY_PREFIX"} and value
        }
        if self._own_redis:
            named["NOTIFY_REDIS_URL"] = redis_url(choices.ports["redis"], choices.redis_password)
        named.setdefault("NOTIFY_BROKER_URL", named["NOTIFY_REDIS_URL"])
        named["NOTIFY_KEY_FILE"] = key_files(self._environ.get("NOTIFY_KEY_FILE", ""), self._home.key_file)
        environment = {**self._environ, **named, "NOTIFY_HOME": str(self._home.folder)}
        prefix = surroundings.load(environment).prefix
        self._start_redis(choices, environment)
        self._set_options(choices, environment["NOTIFY_REDIS_URL"], prefix)
        made = self._first_administrator(environment["NOTIFY_REDIS_URL"], prefix)
        self._start_others(beside_redis(self._home, choices, environment))
        write_private(
            self._home.environment_file, "".join(f"{name}={value}\n" for name, value in named.items())
        )
        self._announcer.box("Everything runs", self._told(choices, named["NOTIFY_REDIS_URL"], made))

    def _start_redis(self, choices: Choices, environment: Mapping[str, str]) -> None:
        url = environment["NOTIFY_REDIS_URL"]
        if not self._own_redis:
            with self._announcer.step(f"Redis at {shown_address(url)} answers"):
                check_answers(url)
            return
        program = redis_program(
            self._home.redis,
            port=choices.ports["redis"],
            password=choices.redis_password,
            environment=self._environ,
        )
        with self._announcer.step(f"Redis on {shown_address(url)}"):
            (child,) = self._supervisor.start([program])
            self._supervisor.wait_ready(child, seconds=REDIS_READY_SECONDS)

    def _set_options(self, choices: Choices, url: str, prefix: str) -> None:
        with connect(url) as client:
            began = time.monotonic()
            if first_options(client, prefix, choices.ports):
                self._announcer.done("options set: e-mail goes to the two inboxes", time.monotonic() - began)
                return
            snapshot = SettingsStore(client, prefix=prefix).snapshot()
            self._announcer.done(f"options as they were left (revision {snapshot.revision})")
            for words in strayed(snapshot, choices.ports):
                command = notify_command(self._home, words)
                self._announcer.note(f"an option names a port where no inbox listens: {command}")

    def _first_administrator(self, url: str, prefix: str) -> FirstAdministrator | None:
        """Somebody who can sign in to the console, where nobody can; told at once, as it is shown once."""
        with connect(url) as client:
            began = time.monotonic()
            made = first_administrator(Access(client, prefix=prefix), by=AUTHOR)
        if made:
            took = time.monotonic() - began
            self._announcer.done(f"first administrator: {made.name}, password {made.password}", took)
        return made

    def _start_others(self, others: list[Program]) -> None:
        for child in self._supervisor.start(others):
            self._await(child)

    def _await(self, child: Child) -> None:
        try:
            with self._announcer.step(child.program.name, began=child.started_at):
                self._supervisor.wait_ready(child, seconds=CHILD_READY_SECONDS)
        except NotReady as fault:
            self._announcer.note(f"{fault} and may still become so; {fault.hint}")

    def _told(self, choices: Choices, url: str, made: FirstAdministrator | None) -> list[str]:
        ports = choices.ports
        signing_in = f"user {made.name}, password {made.password}, shown this once" if made else ""
        return [
            f"Console  http://{LOOPBACK}:{ports['console']}/",
            *([f"         {signing_in}"] if signing_in else []),
            f"Inboxes  http://{LOOPBACK}:{ports['page']}/",
            f"Flower   {flower_address(choices)}",
            f"         user {FLOWER_USER}, password {choices.flower_password}",
            f"Redis    {shown_address(url)}",
            f"Data     {short(self._home.folder)}, logs in {short(self._home.logs)}",
            "",
            "Next, in another terminal:",
            f"$ {first_mail(self._home)}",
            "Then rehearse a failover: make stop-primary, and send again.",
            "Ctrl-C stops everything.",
        ]
