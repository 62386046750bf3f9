"""Have a worker test a server or a whole chain, also with options that are not saved, and watch it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from starlette.responses import Response

from console.serving.fault import not_found
from console.web.option_fields import Form
from console.web.pages.servers import server_name
from console.web.pages.settings import made_from, settings_page
from console.web.routes import PageRoutes
from console.web.server_cards import SIGN_IN_WORDS, TLS_WORDS
from console.web.typed_options import faults_of, revision_of, typed_in
from console.web.visit import Visit
from settings_store.access import Privilege
from settings_store.catalog import GROUPS
from settings_store.errors import InvalidOption
from tasks.live_test.asking import ANSWER_WITHIN_SECONDS
from tasks.server_test import CHAIN, Draft, InvalidDraft

pages = PageRoutes()

STAGES: Final = {
    "resolve": "Find the address",
    "connect": "Connect",
    "greeting": "Greeting",
    "ehlo": "EHLO",
    "tls": "TLS",
    "auth": "Sign in",
    "mail": "Name the sender",
    "rcpt": "Name the recipient",
    "message": "Send the message",
}


@pages.post("/servers/{name}/test", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="server.test")
def start(visit: Visit, name: str) -> Response:
    """Ask for a test: of the options as they hold, or as a form of the settings has them."""
    from_settings = bool(visit.field("revision"))
    typed = typed_in(visit, made_from(visit)) if from_settings else {}
    to = visit.field(f"to.{name}" if from_settings else "to", maximum_characters=400).strip()
    draft = Draft(
        target=CHAIN if name == CHAIN else server_name(name),
        by=visit.name,
        source=visit.source,
        channel="text" if visit.field("channel") == "text" else "email",
        overrides=typed,
        to=to,
        send=bool(to) and (from_settings or bool(visit.field("send"))),
    )
    try:
        return visit.go(f"/servers/tests/{visit.backend.server_tests.start(draft)}")
    except InvalidOption as error:
        return settings_page(visit, Form(typed, faults_of(error)), revision=revision_of(visit))
    except InvalidDraft as error:
        visit.tell(f"{GROUPS.get(name, 'The chain')} was not tested. {error}.", "fault")
        return visit.go("/servers")


@pages.get("/servers/tests/{test_id}", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="server.test")
def watch(visit: Visit, test_id: str) -> Response:
    """How a test goes."""
    tests = visit.backend.server_tests
    report = tests.read(test_id)
    if report is None:
        raise not_found("there is no such test, or it is forgotten after an hour", "start it again")
    waited = (visit.now_ms - report.asked_at_ms) / 1000
    is_late = report.state == "unanswered" or (report.state == "waiting" and waited > ANSWER_WITHIN_SECONDS)
    values: dict[str, Any] = {
        "report": report,
        "is_over": report.state in {"done", "lost", "unanswered"},
        "why_late": tests.why_unanswered() if is_late else "",
        "stages": STAGES,
        "titles": GROUPS,
        "tls": TLS_WORDS,
        "sign_in": SIGN_IN_WORDS,
        "facts_of": lambda stage: list(facts(stage.facts)),
    }
    if visit.asks_for_part:
        return visit.part("server_test_report.html", **values)
    return visit.page("server_test.html", **values)


def facts(found: dict[str, Any]) -> Iterator[str]:
    """What a stage learned, in words."""
    if "address" in found:
        yield f"to {found['address']}"
    if "protocol" in found:
        yield f"{found['protocol']}, {found.get('cipher')}"
    if "subject" in found:
        yield f"certificate of {', '.join(found.get('names') or ()) or found['subject'] or 'nobody'}"
        yield f"issued by {found['issuer']}"
        left = found["days_left"]
        days = f"{left} days left" if left >= 0 else f"over for {-left} days"
        yield f"valid from {found['begins_at'][:10]} to {found['expires_at'][:10]}, {days}"
    if "mechanism" in found:
        yield f"by {found['mechanism']}"
    if found.get("largest_bytes"):
        yield f"takes messages of up to {found['largest_bytes']:,} bytes"
