"""Any words in an address, a form or a header of the console: an answer below 500, no defect in its log."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.api.application import PATH, api_routes
from console.web.application import page_routes
from console.web.routes import PageRoute
from settings_store.access import Access
from settings_store.catalog import ALL_OPTIONS
from settings_store.keyring import generate
from settings_store.redis_client import connect
from settings_store.store import SettingsStore
from tests.rigs.api_client import PROBLEM, token_for
from tests.rigs.console import REPLY_DEADLINE_SECONDS, Console, Visitor, administrator, running_console
from tests.rigs.embedded import PROJECT
from tests.rigs.examples import examples
from tests.rigs.odd_values import odd_texts, typed_words
from tests.rigs.told_ledger import ToldLedger

#: These end the visit, or wait for a worker that is not there.
LEFT_OUT = {"/sign-out", "/servers/{name}/test", "/server-tests"}
PAGES = [route for route in page_routes() if route.path not in LEFT_OUT]
API = [
    (method, route.path)
    for route in api_routes()
    for method in route.methods or ()
    if route.path not in LEFT_OUT
]
FIELDS = sorted(
    {
        name
        for template in (PROJECT / "console" / "web" / "templates").glob("*.html")
        for name in re.findall(r'name="([a-z_]+)"', template.read_text(encoding="utf-8"))
    }
    - {"form_token"}
    | {f"option.{key}" for key in ALL_OPTIONS}
    | {"after", "since", "until", "saved", "older", "newer", "limit"}
)
words = st.dictionaries(st.sampled_from(FIELDS) | odd_texts, odd_texts, max_size=6)
HEADERS = ("If-Match", "If-None-Match", "Idempotency-Key", "Content-Type", "X-Other")
#: A header is bytes of Latin-1 without an end of a line; whatever else a client refuses to send.
header_values = typed_words.map(lambda text: re.sub(r"[^\x20-\x7e\xa0-\xff]", "", text).strip() or "x")


@pytest.fixture(scope="module")
def console(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """With one message in it, and a program that may ask as often as it likes."""
    folder = tmp_path_factory.mktemp("doors")
    client = connect(valkey_url)
    client.flushall()
    ToldLedger(client, live=True).accept({"version": 1, "channel": "email", "to": ["a@b"], "message": "m"})
    SettingsStore(client).change({"console.requests_per_minute": 100_000}, author="test")
    administrator(Access(client))
    generate(folder / "keys.json")
    with running_console(valkey_url, folder / "c", NOTIFY_KEY_FILE=str(folder / "keys.json")) as running:
        yield running


def filled(path: str, word: str) -> str:
    """A path with something odd where it takes a word."""
    return re.sub(r"\{[^}]*\}", quote(word.encode("utf-8", "surrogatepass"), safe="") or "1", path)


def query(given_words: dict[str, str]) -> str:
    encoded = [(name.encode("utf-8", "surrogatepass"), each.encode("utf-8", "surrogatepass"))
               for name, each in given_words.items()]  # fmt: skip
    return urlencode(encoded)


@pytest.mark.timeout(3_600)
def test_no_page_fails_whatever_is_asked_for_or_typed(console: Console) -> None:
    visitor = console.visitor("anna")
    token = visitor.token

    @examples(60)
    @given(route=st.sampled_from(PAGES), word=odd_texts, asked=words, typed=words)
    def try_page(route: PageRoute, word: str, asked: dict[str, str], typed: dict[str, str]) -> None:
        answer = visitor.http.request(
            route.method,
            f"{visitor.address}{filled(route.path, word)}?{query(asked)}",
            data=query({**typed, "form_token": token}) if route.method == "POST" else None,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            allow_redirects=False,
            timeout=REPLY_DEADLINE_SECONDS,
        )
        assert answer.status_code < 500, (route.method, answer.url, answer.text)

    try_page()
    assert "console_defect" not in console.log
    assert console.process.poll() is None


@pytest.mark.timeout(3_600)
def test_no_route_of_the_api_fails_over_a_path_a_query_or_a_header(console: Console, valkey_url: str) -> None:
    token = token_for(Access(connect(valkey_url)))
    visitor = Visitor(console.address, Authorization=f"Bearer {token}")

    @examples(60)
    @given(
        route=st.sampled_from(API),
        word=odd_texts,
        asked=words,
        header=st.tuples(st.sampled_from(HEADERS), header_values),
        body=odd_texts,
    )
    def try_route(
        route: tuple[str, str], word: str, asked: dict[str, str], header: tuple[str, str], body: str
    ) -> None:
        method, path = route
        answer = visitor.http.request(
            method,
            f"{visitor.address}{PATH}{filled(path, word)}?{query(asked)}",
            data=body.encode("utf-8", "surrogatepass") if method != "GET" else None,
            headers=dict([("Content-Type", "application/json"), header]),
            timeout=REPLY_DEADLINE_SECONDS,
        )
        assert answer.status_code < 500, (method, answer.url, answer.text)
        assert answer.status_code < 400 or answer.headers["Content-Type"] == PROBLEM, answer.url

    try_route()
    assert "console_defect" not in console.log


@pytest.mark.parametrize("length", [b"\xb2", b"9" * 5_000, b"-1", b"+1", b"0x10", b"1, 2"])
def test_a_length_that_is_no_number_ends_the_request_alone(console: Console, length: bytes) -> None:
    host, _, port = console.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=REPLY_DEADLINE_SECONDS) as peer:
        peer.sendall(b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\nname=x")
        peer.shutdown(socket.SHUT_WR)
        answer = peer.makefile("rb").readline()
    assert not answer or answer.split()[1][:1] == b"4", answer
    assert "console_defect" not in console.log
    assert console.visitor().get("/sign-in").status_code == 200
