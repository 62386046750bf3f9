from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transports.failure import GarbledReply
from tasks.transports.reply import MAXIMUM_TEXT_CHARACTERS, Reply, read_reply
from tasks.transports.reply_reader import MAXIMUM_LINE_BYTES, MAXIMUM_REPLY_BYTES, ReplyReader

SECONDS = 5.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_several_lines_are_one_reply_and_what_follows_is_the_next(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(b"250-one\r\n250-\r\n250 three\r\n354 go\r\n250\r\n250-lf only\n250 end\n")
    reader = ReplyReader(ours)
    assert reader.read(SECONDS) == (250, [b"one", b"", b"three"])
    assert reader.read(SECONDS) == (354, [b"go"])
    assert reader.read(SECONDS) == (250, [b""])
    assert reader.read(SECONDS) == (250, [b"lf only", b"end"])


@pytest.mark.parametrize(
    "line", [b"25\r\n", b"abc def\r\n", b"250_x\r\n", b"+25 x\r\n", "\uff12\uff15\uff10 x\r\n".encode()]
)
def test_what_has_no_reply_code_is_garbled(pair: tuple[socket.socket, socket.socket], line: bytes) -> None:
    ours, theirs = pair
    theirs.sendall(line)
    with pytest.raises(GarbledReply):
        ReplyReader(ours).read(SECONDS)


@pytest.mark.parametrize("flood", [b"250 " + b"x" * 1000, b"250-more\r\n" * 100, b"x" * 100])
def test_a_reply_without_end_is_given_up_after_a_bounded_number_of_bytes(
    pair: tuple[socket.socket, socket.socket], flood: bytes
) -> None:
    ours, theirs = pair
    sent = 0
    stop = threading.Event()

    def babble() -> None:
        nonlocal sent
        first = flood
        theirs.settimeout(0.2)
        while not stop.is_set():
            try:
                sent += theirs.send(first)
            except OSError:
                return
            first = flood if flood.endswith(b"\n") else b"x" * 1000

    babbling = threading.Thread(target=babble)
    babbling.start()
    try:
        reader = ReplyReader(ours)
        with pytest.raises(GarbledReply):
            reader.read(SECONDS)
        assert len(reader._buffer) <= MAXIMUM_LINE_BYTES + MAXIMUM_REPLY_BYTES
    finally:
        stop.set()
        ours.close()
        babbling.join()


def test_a_reply_that_is_too_slow_as_a_whole_times_out_though_bytes_keep_coming(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.01):
            theirs.send(b"2")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        with pytest.raises(TimeoutError):
            ReplyReader(ours).read(0.2)
    finally:
        stop.set()
        dripping.join()


def test_the_end_of_the_connection_within_a_reply_is_no_reply(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(b"250-almost\r\n250 alm")
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionError):
        ReplyReader(ours).read(SECONDS)


def test_it_knows_without_waiting_whether_the_peer_spoke_or_left(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    reader = ReplyReader(ours)
    assert not reader.peer_spoke()
    theirs.sendall(b"421 bye\r\n")
    assert reader.peer_spoke()
    assert reader.read(SECONDS) == (421, [b"bye"])
    assert not reader.peer_spoke()
    theirs.close()
    assert reader.peer_spoke()


def test_a_reply_becomes_one_printable_line_with_its_enhanced_status_code_once() -> None:
    reply = read_reply(550, [b"5.1.1 no\tsuch\x07user", b"5.1.1 \xff in M\xc3\xbcnchen ", b""])
    assert str(reply.enhanced) == "5.1.1"
    assert reply.text == "no such user \ufffd in München"


@given(st.integers(200, 599), st.lists(st.binary(max_size=300), max_size=40))
def test_any_bytes_make_a_bounded_printable_reply(code: int, lines: list[bytes]) -> None:
    reply = read_reply(code, lines)
    assert len(reply.text) <= MAXIMUM_TEXT_CHARACTERS
    assert not any(each in reply.text for each in "\r\n\0\x1b\x85\u2028")
    assert reply.accepts == (200 <= code < 300)
    assert repr(reply) == repr(Reply(code, reply.enhanced))
