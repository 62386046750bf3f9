"""A day of a whole installation: each program signs in to Redis as its own user, and every door is used.

Secrets are planted wherever one can be given, and so is a word that may be seen: where the word is not found,
nobody has looked.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from settings_store.access import ADMINISTRATORS, GRANTABLE, Access
from settings_store.environment import load
from settings_store.keyring import read
from tasks.runtime import Runtime
from tests.rigs.api_client import ApiClient
from tests.rigs.certificates import Certificates
from tests.rigs.console import Console, Visitor, running_console
from tests.rigs.day import Day
from tests.rigs.delivery_servers import mail_server
from tests.rigs.every_door import PROBES, every_answer, every_page
from tests.rigs.flower import Flower, running_flower
from tests.rigs.foreign_app import send_tasks
from tests.rigs.guarded_redis import NAMES, GuardedRedis
from tests.rigs.identity_service import APPLICATION, TENANT, identity_service
from tests.rigs.notifications import email
from tests.rigs.planted import everything_in, files_of
from tests.rigs.processes import free_port, wait_until
from tests.rigs.whole_records import WHOLE_RECORDS
from tests.rigs.worker import running_worker
from workers.sweeper import PURGE_EVERY_SECONDS, Sweeper

#: What pages, exports and the audit may show.
SEEN = "seen.everywhere.example"
PRIMARY, SECONDARY = "primary_email", "secondary_email"
#: Secrets that a person seals before they are saved, and those that may be given plain.
SEALED = (
    "general.unc_password",
    "secondary_email.authentication_password",
    "primary_sms.authentication_password",
    "jors.api_password",
)
PLAIN = ("primary_email.client_secret", "secondary_sms.client_secret", "jors.api_token")
WEBHOOK = "notices.webhook_url"
#: A row of the audit that is older than the audit goes back.
OLD_ROW: Mapping[Any, Any] = {
    **dict.fromkeys(("source", "target"), ""),
    "mark": "m",
    "actor": "old",
    "action": "a.b",
    "outcome": "done",
    "detail": "{}",
}


@contextlib.contextmanager
def lived_day(redis: GuardedRedis, folder: Path, certificates: Certificates) -> Iterator[Day]:
    """Live it, and have what was shown looked at while everything is there still."""
    port = free_port()
    worker_environ = redis.environ("worker", NOTIFY_METRICS_PORT=str(port))
    with contextlib.ExitStack() as running:
        service = running.enter_context(identity_service(certificates.context()))
        primary, secondary = (running.enter_context(mail_server()) for _ in range(2))
        day = Day(redis, folder, primary, secondary, service, certificates.bundle)
        for name in NAMES:
            day.planted.plant(redis.password(name))
        _plant_keys(day)
        redis.admin.xadd("notify:audit", dict(OLD_ROW), id="1-1")
        runtime = Runtime(load(redis.environ("console")), worker="test")
        running.callback(runtime.close)
        _set_options(day, runtime)
        log = folder / "worker.log"
        running.enter_context(running_worker(worker_environ, log, "--loglevel=DEBUG", prelude=WHOLE_RECORDS))
        flower = running.enter_context(running_flower(redis.environ("flower"), folder / "flower.log"))
        console = running.enter_context(
            running_console(
                "",
                folder / "console",
                NOTIFY_REDIS_URL_FILE=str(redis.folder / "console" / "redis-url"),
                NOTIFY_KEY_FILE=str(redis.folder / "keys.json"),
            )
        )
        day.planted.plant(console.said.partition("shown this once: ")[2].split()[0])
        _send(day, runtime)
        _visit(day, runtime, console)
        _ask_the_api(day, runtime, console)
        _command(day)
        _refuse_the_sign_in(day, runtime)
        _fill_redis(day, runtime)
        _sweep(day)
        _look_at_flower(day, flower)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            day.keep("metrics of the worker", answer.read().decode())
        day.keep("log of the worker", log.read_text(encoding="utf-8"))
        day.keep("log of Flower", (folder / "flower.log").read_text(encoding="utf-8"))
        day.keep("log of the console", console.log)
        day.keep("Redis", *everything_in(redis.admin))
        day.keep("files of Redis", *(content.decode("latin-1") for content in files_of(redis.admin)))
        yield day


def _plant_keys(day: Day) -> None:
    for key in read(day.redis.folder / "keys.json").keys.values():
        day.planted.plant(base64.b64encode(key).decode())


def _set_options(day: Day, runtime: Runtime) -> None:
    service, primary, secondary = day.service, day.primary, day.secondary
    secret = service.secret = day.planted.secret("oauth", letters_only=True)
    service.issue = lambda: day.planted.secret("token", letters_only=True)
    primary.offers = (*(each for each in primary.offers if "AUTH" not in each), "AUTH XOAUTH2")
    store = runtime.store
    files = day.folder / "files"
    files.mkdir()
    (files / "report.txt").write_text("report", encoding="utf-8")
    values: dict[str, object] = {
        f"{PRIMARY}.server_name": "127.0.0.1",
        f"{PRIMARY}.server_port": primary.port,
        f"{PRIMARY}.notification_address": f"robot@{SEEN}",
        f"{PRIMARY}.application_id": APPLICATION,
        f"{PRIMARY}.tenant_id": TENANT,
        f"{SECONDARY}.server_name": "127.0.0.1",
        f"{SECONDARY}.server_port": secondary.port,
        f"{SECONDARY}.authentication_user": f"robot@{SEEN}",
        "oauth.authority_host": service.host,
        "oauth.ca_bundle": day.bundle,
        "local_files.folders": str(files),
        "notices.email_to": f"operator@{SEEN}",
        "secret_expiry.primary_email_client_secret": "2026-11-28",
    }
    values |= {key: store.cipher.seal_for_pasting(day.planted.secret(key)) for key in SEALED}
    values |= {key: day.planted.secret(key) for key in PLAIN}
    hook = day.planted.secret("hook", letters_only=True)
    values |= {f"{PRIMARY}.client_secret": secret, WEBHOOK: f"http://127.0.0.1:{free_port()}/{hook}"}
    day.planted.look(store.change(values, author="test", reason=f"for {SEEN}"))


def _send(day: Day, runtime: Runtime) -> None:
    """By a program that has Celery alone, by ours, and with a file."""
    call: dict[str, Any] = {"kwargs": {"notification": email()}, "wait": 30}
    (outcome,) = send_tasks(day.redis.url("publisher"), [call], folder=day.folder)
    assert outcome.get("answer", {}).get("number"), outcome
    file = {"path": str(day.folder / "files" / "report.txt")}
    day.ids += [outcome["task"], runtime.publisher.publish(email(attachments=[file])).id]
    wait_until(
        lambda: all(_state(runtime, each) == "delivered" for each in day.ids),
        seconds=60,
        what="two mails by a token",
    )
    assert "report.txt" in "".join(text.raw.decode() for text in day.primary.taken)
    day.keep("records", *(repr(runtime.queries.get(each)) for each in day.ids))


def _visit(day: Day, runtime: Runtime, console: Console) -> None:
    """Every page as everybody, and what a page with a secret in it is sent."""
    password = day.planted.secret("password")
    access = Access(runtime.redis)
    access.add_account("anna", password, [ADMINISTRATORS], by="root@test")
    for privilege in GRANTABLE:
        access.set_role(f"only.{privilege.value}", [privilege], new=True, by="root@test")
        access.add_account(privilege.value, password, [f"only.{privilege.value}"], by="root@test")
    anna = console.visitor("anna", password)
    test_id = _test_a_server(day, anna)
    parts = {"message_id": day.ids[0], "revision": "1", "test_id": test_id}
    for name in ("anna", *(each.value for each in GRANTABLE)):
        visitor = anna if name == "anna" else console.visitor(name, password)
        for path, answer in every_page(visitor, parts):
            assert answer.status_code in {200, 403}, (name, path, answer.status_code)
            assert name != "anna" or answer.status_code == 200, path
            day.keep(f"pages as {name}", answer.text, str(answer.headers))
    wrong, fresh = day.planted.secret("wrong"), day.planted.secret("fresh")
    forms: tuple[tuple[str, dict[str, str], int], ...] = (
        ("/settings/review", {"option.secondary_email.client_secret": fresh}, 200),
        ("/settings/review", {"option.secondary_email.authentication_password": wrong}, 422),
        ("/settings/review", {"option.primary_email.server_port": wrong}, 422),
        ("/settings/save", {"option.secondary_email.client_secret": fresh, "reason": "r"}, 200),
        ("/settings/encrypt", {"secret": fresh}, 200),
        ("/settings/encrypt", {"secret": f"{fresh}\n"}, 422),
        ("/password", {"current": wrong, "new": fresh, "again": fresh}, 422),
        ("/password", {"current": password, "new": "short", "again": fresh}, 422),
        ("/tokens", {"name": "night", "privilege": "view_notifications", "days": "90"}, 200),
    )
    for path, fields, status in forms:
        anna.get("/settings")
        revision = {"revision": str(runtime.store.snapshot().revision)}
        answer = anna.post(path, {**revision, **fields})
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        shown = answer.text
        if path == "/tokens":
            token = next(word for word in shown.replace("<", " ").replace(">", " ").split() if "ntf_" in word)
            day.planted.plant(token.split("_", 2)[2])
            continue  # it is shown this once
        day.keep("forms", shown, str(answer.headers))
    guest = console.visitor()
    guest.get("/sign-in")
    for name in ("anna", wrong):
        refused = guest.post("/sign-in", {"name": name, "password": wrong})
        assert refused.status_code == 401, refused.status_code
        day.keep("forms", refused.text if name == "anna" else refused.text.replace(wrong, ""))
    day.keep("pages as anna", *(answer.text for _, answer in every_page(anna, parts)))
    day.keep("probes", *(guest.get(path).text for path in PROBES))


def _test_a_server(day: Day, visitor: Visitor) -> str:
    """Have a worker test a server from a page; the test's id, once it has ended."""
    visitor.get("/servers")
    shown = visitor.post(f"/servers/{PRIMARY}/test")
    test_id = shown.url.rpartition("/")[2]
    path = f"/servers/tests/{test_id}"
    wait_until(lambda: "data-over" in visitor.get(path).text, seconds=60, what="the test of a server")
    assert "All went well." in visitor.last.text, visitor.last.text
    day.keep("forms", visitor.last.text)
    return test_id


def _ask_the_api(day: Day, runtime: Runtime, console: Console) -> None:
    clients = {}
    for name, scope in {"all": GRANTABLE, **{each.value: [each] for each in GRANTABLE}}.items():
        token = Access(runtime.redis).create_token(name, scope, lifetime=timedelta(days=1), by="root@test")
        day.planted.plant(token.split("_", 2)[2])
        clients[name] = ApiClient(console.address, token)
    api = clients["all"]
    wrong, fresh = day.planted.secret("wrong"), day.planted.secret("fresh")
    change = {"values": {"secondary_email.client_secret": fresh}, "reason": "r"}
    refused = {"values": {"audit.days": wrong, "general.unc_password": wrong}}
    any_revision = {"If-Match": "*"}
    tested = api.post("/server-tests", {"target": PRIMARY, "overrides": {f"{PRIMARY}.client_secret": fresh}})
    sent = api.post("/notifications", email())
    answers = [
        tested,
        sent,
        api.patch("/options", change, any_revision),
        api.patch("/options", refused, any_revision),
        api.post("/options/rollback", {"revision": 1, "reason": "r"}, any_revision),
        api.post(f"/servers/{SECONDARY}/pause", {"reason": "r"}),
        api.post(f"/servers/{SECONDARY}/resume"),
        api.post(f"/notifications/{day.ids[0]}/replay", {"reason": "r"}),
        api.post(f"/notifications/{day.ids[0]}/cancel", {"reason": "r"}),
        ApiClient(console.address, wrong.encode().hex()).get("/token"),
    ]
    for answer in answers:
        assert answer.status_code < 500, answer.text
    assert [answer.status_code for answer in answers[:3]] == [202, 202, 200], [each.text for each in answers]
    test_id = tested.json()["id"]
    wait_until(
        lambda: api.get(f"/server-tests/{test_id}").json()["ok"] is not None,
        seconds=60,
        what="the test with a secret that is not saved",
    )
    parts = {"message_id": day.ids[0], "revision": "1", "test_id": test_id}
    for option in ("primary_email.client_secret", "general.unc_password"):
        for client in clients.values():
            answers += [answer for _, answer in every_answer(client, {**parts, "key": option})]
    day.keep("API", *(f"{answer.headers} {answer.text}" for answer in answers))


def _command(day: Day) -> None:
    """What a person does on the command line, the rotation of the keys among it, while the worker goes on."""
    fresh = day.planted.secret("typed", letters_only=True)
    reason = ("--reason", "r")
    day.notify("options", "set", "secondary_sms.client_secret=-", *reason, stdin=fresh)
    day.notify("options", "set", f"general.unc_password={fresh}", *reason, code=2)
    day.notify("options", "export")
    day.notify("options", "history", "--json")
    day.notify("audit", "list", "--json")
    day.notify("audit", "export")
    day.notify("server", "list")
    day.notify("message", "list")
    day.notify("message", "replay", day.ids[0], *reason, code=None)
    day.notify("attachment", "test", str(day.folder / "files" / "report.txt"))
    day.notify("share", "allow", "files.example", *reason)
    rotated = json.loads(day.notify("keys", "rotate", "--new-key", "--json"))
    assert rotated["left"] == 0
    assert rotated["resealed"]["tokens of OAuth"] >= 1, rotated
    _plant_keys(day)
    uses = json.loads(day.notify("keys", "status", "--json"))["keys"]
    assert [bool(sum(use["values"].values())) for use in uses if not use["seals"]] == [False], uses
    day.notify("doctor", "--json", code=None)


def _refuse_the_sign_in(day: Day, runtime: Runtime) -> None:
    """A server that takes no token: the mail goes by the other one, with a password, and somebody is told."""
    day.primary.answers["AUTH"] = "535 5.7.3 no"
    runtime.store.change({f"{PRIMARY}.notification_address": f"other@{SEEN}"}, author="test")
    sent = runtime.publisher.publish(email())
    wait_until(
        lambda: _state(runtime, sent.id) == "delivered", seconds=60, what="the mail by the other server"
    )
    record = runtime.queries.get(sent.id)
    assert record is not None
    assert [each["verdict"] for each in record.timeline] == ["misconfigured", "delivered"]
    day.ids.append(sent.id)
    day.keep("records", repr(record))


def _fill_redis(day: Day, runtime: Runtime) -> None:
    """At its `maxmemory` nothing is accepted, and what was is finished."""
    full, secondary = threading.Event(), day.secondary

    def wait_for_it() -> str:
        assert full.wait(60)
        return "250 2.0.0 taken"

    secondary.answers["DOT"] = wait_for_it
    before = len(secondary.texts)
    sent = runtime.publisher.publish(email())
    wait_until(lambda: secondary.verbs.count("DATA") > before, seconds=60, what="the mail being sent")
    used = int(day.redis.admin.info("memory")["used_memory"])
    day.redis.admin.config_set("maxmemory", used // 2)
    try:
        day.notify("send", "email", "--to", "a@b.example", "--message", "M", code=1)
        assert "memory" in day.shown["cli send"][-1], day.shown["cli send"]
        full.set()
        wait_until(
            # By itself: a full Redis refuses what is read in a transaction.
            lambda: day.redis.admin.hget(f"notify:n:{sent.id}", "state") == "delivered",
            seconds=60,
            what="the mail being finished",
        )
    finally:
        full.set()
        day.redis.admin.config_set("maxmemory", 0)
    secondary.answers.pop("DOT")


def _state(runtime: Runtime, notification_id: str) -> str:
    record = runtime.queries.get(notification_id)
    return record.state if record else "gone"


def _sweep(day: Day) -> None:
    """What a worker does once an hour."""
    runtime = Runtime(load(day.redis.environ("worker")), worker="sweeping")
    now = 0.0
    try:
        sweeper = Sweeper(runtime, clock=lambda: now)
        now = PURGE_EVERY_SECONDS + 1.0
        # The worker's own sweeper has the lock most of the time.
        wait_until(
            lambda: sweeper.sweep() is not None and not day.redis.admin.xrange("notify:audit", "1-1", "1-1"),
            seconds=60,
            what="the old row of the audit going",
        )
    finally:
        runtime.close()


def _look_at_flower(day: Day, flower: Flower) -> None:
    wait_until(lambda: "celery@" in flower.ask("/workers?json=1")[1], seconds=60, what="Flower's worker")
    name = next(iter(json.loads(flower.ask("/workers?json=1")[1])["data"]))["hostname"]
    wait_until(lambda: day.ids[-1] in flower.tasks(), seconds=60, what="Flower showing the task")
    paths = ["/workers", "/tasks", "/broker", f"/worker/{name}", f"/task/{day.ids[-1]}"]
    paths += ["/api/workers?refresh=1", f"/api/workers?refresh=1&workername={name}", "/api/tasks"]
    paths += ["/api/queues/length", f"/api/task/info/{day.ids[-1]}", "/api/task/types", "/metrics"]
    for path in paths:
        status, body = flower.ask(path)
        assert status == 200, (path, status, body)
        day.keep("Flower", f"{path} {body}")
    flower.revoke(day.ids[-1])
