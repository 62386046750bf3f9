from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.transports.body import BLOCK_BYTES, BodyEncoder, encoded_blocks
from tasks.transports.failure import TransportFailure
from tasks.transports.pool import ConnectionPool
from tests.rigs.delivering import PATIENT, TEXT, deliver, server_at
from tests.rigs.processes import free_port
from tests.rigs.scripted_smtp import Script, scripted_server

LINES = st.sampled_from(
    [b".", b"..", b"\r", b"\n", b"\r\n", b"a", b".\r\n", b"\r\n.", b"\n.\n", b"\0", b"\xff"]
)
TEXTS = st.one_of(st.binary(max_size=60), st.lists(LINES, max_size=30).map(b"".join))


def as_smtp_has_it(text: bytes) -> bytes:
    """The text with the line ends of SMTP, the last line ended; written apart from the code it checks."""
    if not text:
        return b""
    lines = re.split(rb"\r\n|\r|\n", text)
    if lines[-1] == b"":
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def as_a_server_reads_it(wire: bytes) -> bytes:
    """The text out of the stuffed bytes (RFC 5321 4.5.2), which must end with the dot and nothing else."""
    lines = wire.split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    assert b"." not in lines[:-2]
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:-2])


@st.composite
def chunked(draw: st.DrawFn) -> list[bytes]:
    """A text, cut anyhow."""
    text = draw(TEXTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@given(chunked())
@example([b"\r", b"\n"])
@example([b"\r", b"\n", b"."])
@example([b"\r", b"", b"\n.", b"\r"])
@example([b".", b"\r", b"\n"])
@example([b"a\r\n", b".", b"\r\n"])
@example([])
def test_the_text_arrives_however_it_is_cut(chunks: list[bytes]) -> None:
    wire = b"".join(block for block, _ in encoded_blocks(chunks))
    assert as_a_server_reads_it(wire) == as_smtp_has_it(b"".join(chunks))


@pytest.mark.parametrize(
    "text, wire",
    [
        (b"", b".\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"\r\n.\r\n", b"\r\n..\r\n.\r\n"),
        (b"\n.\n", b"\r\n..\r\n.\r\n"),
        (b"\r.\r", b"\r\n..\r\n.\r\n"),
        (b"a.b\r\n..c", b"a.b\r\n...c\r\n.\r\n"),
    ],
)
def test_the_bytes_on_the_wire(text: bytes, wire: bytes) -> None:
    assert b"".join(block for block, _ in encoded_blocks([text])) == wire


def test_an_encoder_that_was_given_nothing_ends_at_once() -> None:
    assert BodyEncoder().end() == b".\r\n"


@pytest.mark.parametrize("size", [0, 1, *range(BLOCK_BYTES - 6, BLOCK_BYTES + 2), 3 * BLOCK_BYTES])
def test_blocks_are_bounded_and_only_the_last_completes_the_end(size: int) -> None:
    blocks = list(encoded_blocks([b"x" * size]))
    assert [last for _, last in blocks] == [False] * (len(blocks) - 1) + [True]
    assert all(0 < len(block) <= BLOCK_BYTES for block, _ in blocks)
    assert not b"".join(block for block, last in blocks if not last).endswith(b"\r\n.\r\n")
    assert as_a_server_reads_it(b"".join(block for block, _ in blocks)) == as_smtp_has_it(b"x" * size)


def test_dots_and_line_ends_that_double_the_text_stay_within_the_blocks() -> None:
    text = b"\n." * BLOCK_BYTES
    blocks = [block for block, _ in encoded_blocks([text])]
    assert all(len(block) <= BLOCK_BYTES for block in blocks)
    assert as_a_server_reads_it(b"".join(blocks)) == as_smtp_has_it(text)


class Inbox:
    """What an SMTP server that is not ours made of the messages."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        self.texts.append(envelope.content)
        return "250 2.0.0 kept"


@pytest.fixture(scope="module")
def inbox() -> Iterator[tuple[Inbox, int]]:
    kept = Inbox()
    port = free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


@pytest.fixture(scope="module")
def long_lived_pool() -> Iterator[ConnectionPool]:
    pool = ConnectionPool(timeouts=PATIENT, local_hostname="client.test")
    yield pool
    pool.close()


@settings(deadline=None)
@given(chunks=chunked())
def test_the_text_arrives_at_a_real_server_however_it_is_cut(
    inbox: tuple[Inbox, int], long_lived_pool: ConnectionPool, chunks: list[bytes]
) -> None:
    kept, port = inbox
    deliver(long_lived_pool, server_at(port), chunks=chunks)
    assert kept.texts.pop() == as_smtp_has_it(b"".join(chunks))
    assert kept.texts == []


def test_a_large_text_is_streamed_and_arrives(
    inbox: tuple[Inbox, int], long_lived_pool: ConnectionPool
) -> None:
    kept, port = inbox
    line = b".".ljust(76, b"x") + b"\r\n"
    deliver(long_lived_pool, server_at(port), chunks=(line * 1000 for _ in range(40)))
    assert kept.texts.pop() == line * 40_000


def test_a_text_that_fails_half_way_is_never_ended(pool: ConnectionPool) -> None:
    def text() -> Iterator[bytes]:
        yield TEXT
        yield b"x" * (2 * BLOCK_BYTES)
        raise FileNotFoundError

    with scripted_server() as peer:
        with pytest.raises(FileNotFoundError):
            deliver(pool, server_at(peer.port), chunks=text())
        session = peer.sessions[0]
        assert session.closed.wait(10)
        assert session.texts == []
        assert session.unfinished.startswith(TEXT)
        assert pool.idle_count == 0


def test_a_failure_of_the_network_while_reading_the_text_is_not_taken_for_the_servers(
    pool: ConnectionPool,
) -> None:
    def text() -> Iterator[bytes]:
        yield TEXT
        raise TimeoutError

    with scripted_server(Script()) as peer, pytest.raises(TimeoutError) as caught:
        deliver(pool, server_at(peer.port), chunks=text())
    assert not isinstance(caught.value, TransportFailure)
