"""When others may have the place of a connection: once its server is known to have closed it, too."""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Collection, Iterator

import pytest

from tasks.server import Tls
from tasks.strands import Strands
from tasks.transports.failure import TransportFailure
from tasks.transports.parting import part
from tasks.transports.pool import ConnectionPool
from tasks.transports.trust import Trust
from tests.rigs.certificates import Certificates
from tests.rigs.delivering import PATIENT, RECIPIENT, SENDER, SHORT, TEXT, deliver, server_at
from tests.rigs.processes import free_port
from tests.rigs.scripted_smtp import Drop, Script, ScriptedServer, Silence, scripted_server

#: Where the others were kept from going on, the test would take so long and fail.
LONG_SECONDS = 20.0


class Places:
    """Writes down how each place was given back, and whether the server had ended its session by then."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[str, bool]] = {}
        self.peer: ScriptedServer | None = None

    def may_keep(self, _holder: str) -> bool:
        return True

    def closed(self, holders: Collection[str]) -> None:
        self._note("closed", holders)

    def left(self, holders: Collection[str]) -> None:
        self._note("left", holders)

    def _note(self, how: str, holders: Collection[str]) -> None:
        is_over = self.peer is None or self.peer.sessions[-1].closed_at < math.inf
        for holder in holders:
            # What is heard first counts; the second time says the same of a place that is given back.
            self.told.setdefault(holder, (how, is_over))

    def only(self) -> tuple[str, bool]:
        (told,) = self.told.values()
        return told


@pytest.fixture
def places() -> Places:
    return Places()


def _breaking_off() -> Iterator[bytes]:
    yield TEXT
    raise LookupError


@pytest.mark.parametrize("tls", [Tls.NONE, Tls.STARTTLS, Tls.IMPLICIT])
@pytest.mark.parametrize("how", ["takes leave", "breaks off", "breaks off in the text"])
def test_a_place_is_given_back_when_the_server_has_closed_its_side(
    places: Places, certificates: Certificates, tls: Tls, how: str
) -> None:
    pool = ConnectionPool(timeouts=PATIENT, places=places, trust=Trust(certificates.bundle))
    script = Script(tls=certificates.context(), implicit_tls=tls is Tls.IMPLICIT)
    with scripted_server(Script() if tls is Tls.NONE else script) as places.peer:
        server = server_at(places.peer.port, tls=tls)
        with contextlib.suppress(LookupError), pool.connection(server) as connection:
            if how != "takes leave":
                connection.envelope(SENDER, [RECIPIENT], len(TEXT))
            if how == "breaks off in the text":
                connection.message(_breaking_off())
            if how != "takes leave":
                raise LookupError
        pool.close()
        assert places.only() == ("closed", True)
        assert places.peer.sessions[0].texts == []


@pytest.mark.parametrize("step", ["GREETING", "EHLO", "MAIL", ".", "QUIT"])
def test_of_a_server_that_says_nothing_any_more_nobody_knows_whether_it_counts_the_connection(
    places: Places, step: str
) -> None:
    pool = ConnectionPool(timeouts=SHORT, places=places)
    with scripted_server(Script(does={step: Silence()})) as places.peer:
        with contextlib.suppress(TransportFailure):
            deliver(pool, server_at(places.peer.port))
        pool.close()
        assert [how for how, _ in places.told.values()] == ["left"]


@pytest.mark.parametrize("step", ["GREETING", "MAIL", ".", "QUIT"])
def test_a_server_that_hangs_up_counts_it_no_more(places: Places, step: str) -> None:
    pool = ConnectionPool(timeouts=PATIENT, places=places)
    with scripted_server(Script(does={step: Drop()})) as places.peer:
        with contextlib.suppress(TransportFailure):
            deliver(pool, server_at(places.peer.port))
        pool.close()
        assert places.only() == ("closed", True)


def test_a_connection_that_was_never_opened_is_over(places: Places) -> None:
    pool = ConnectionPool(timeouts=PATIENT, places=places)
    with pytest.raises(TransportFailure):
        deliver(pool, server_at(free_port()))
    assert places.only() == ("closed", True)


def test_while_a_server_is_waited_for_the_strands_beside_go_on() -> None:
    near, far = socket.socketpair()
    together = Strands()
    seen: list[bool] = []
    with near, far:
        together.run([lambda: seen.append(part(near, LONG_SECONDS)), far.close])
    together.close()
    assert seen == [True]
