"""A mail server that keeps what it takes, and that a test takes down and puts up again while it is in use."""

from __future__ import annotations

import bisect
import contextlib
import email
import email.policy
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.rigs.scripted_smtp import Action, Drip, Drop, Script, ScriptedServer, Session


@dataclass(frozen=True)
class Mail:
    """One text that was ended by a dot, whether or not its sender learned that.

    Attributes:
        taken_at: When it had come, in seconds that only grow.
        answered_at: When it was answered; infinite where that failed.
    """

    message_id: str
    notification_id: str
    to: str
    subject: str
    text: bytes
    taken_at: float = 0.0
    answered_at: float = math.inf


class Mailbox:
    """The server."""

    def __init__(self) -> None:
        self._does: dict[str, Action] = {}
        # Without a size: a test may send what is large.
        self._server = ScriptedServer(Script(does=self._does, offers=("PIPELINING", "8BITMIME", "SMTPUTF8")))
        self.port = self._server.port

    def go_down(self) -> None:
        """Drop every connection at once, and every one that is open at its next command."""
        self._does.update({step: Drop() for step in ("GREETING", "EHLO", "MAIL", "RSET", "NOOP")})

    def come_up(self) -> None:
        """Take mail again."""
        self._does.clear()

    def answer(self, step: str, action: Action) -> None:
        """Have a step go this way from now on; see `Script.does`."""
        self._does[step] = action

    def take_slowly(self, seconds: float) -> None:
        """Need about this long before saying that a text was taken."""
        reply = "250 2.0.0 queued"
        self._does["."] = Drip(reply, seconds / len(reply))

    @property
    def connections(self) -> int:
        """How many connections were opened."""
        return len(self._server.sessions)

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return sum(not session.closed.is_set() for session in list(self._server.sessions))

    @property
    def most_connections_at_once(self) -> int:
        """How many connections were open at the same moment at the most."""
        return self.most_connections_since(0.0)

    def most_connections_since(self, began: float) -> int:
        """The same from a moment on, as `time.monotonic` has it."""
        sessions = [each for each in list(self._server.sessions) if each.closed_at > began]
        moments = [max(each.opened_at, began) for each in sessions]
        return max(
            (sum(each.opened_at <= at < each.closed_at for each in sessions) for at in moments), default=0
        )

    def opened_beyond(self, connections: int, *, since: float) -> int:
        """How many were opened from a moment on, as `time.monotonic` has it, beside so many others."""
        sessions = list(self._server.sessions)
        return sum(
            sum(other.opened_at <= each.opened_at < other.closed_at for other in sessions) - 1 >= connections
            for each in sessions
            if each.opened_at >= since
        )

    def most_within(self, seconds: float, *, since: float = 0.0) -> int:
        """How many texts came within any so many seconds at the most, from a moment of `time.monotonic` on.

        A DATA that no text followed is no message: whose options changed meanwhile breaks off there.
        """
        times = self._taken_since(since)
        return max(
            (bisect.bisect_left(times, begin + seconds) - place for place, begin in enumerate(times)),
            default=0,
        )

    def least_in_a_minute(self, *, since: float, until: float) -> int:
        """How many texts came in each whole minute between two moments of `time.monotonic`, at the least."""
        times = self._taken_since(since)
        minutes = int((until - since) // 60)
        return min(
            (
                bisect.bisect_left(times, since + 60 * (minute + 1))
                - bisect.bisect_left(times, since + 60 * minute)
                for minute in range(minutes)
            ),
            default=0,
        )

    def _taken_since(self, since: float) -> list[float]:
        return sorted(
            at for session in list(self._server.sessions) for at in list(session.taken_at) if at >= since
        )

    @property
    def taken(self) -> int:
        """How many texts it took."""
        return sum(len(session.texts) for session in list(self._server.sessions))

    def texts(self) -> list[bytes]:
        """What it took, as it came."""
        return [text for session in list(self._server.sessions) for text in list(session.texts)]

    def mails(self) -> list[Mail]:
        """What it took."""
        return [mail for session in list(self._server.sessions) for mail in _mails_of(session)]

    def counts(self) -> Counter[str]:
        """How often it took each notification, by id."""
        return Counter(mail.notification_id for mail in self.mails())

    def close(self) -> None:
        """End it."""
        self._server.stop()


def _mails_of(session: Session) -> Iterator[Mail]:
    answered_at = list(session.answered_at)
    for place, text in enumerate(list(session.texts)):
        # Written before the text, and after it.
        yield _read(text, session.taken_at[place], ([*answered_at, math.inf])[min(place, len(answered_at))])


def _read(text: bytes, taken_at: float, answered_at: float) -> Mail:
    message = email.message_from_bytes(text, policy=email.policy.default)
    return Mail(
        message_id=str(message["Message-ID"]).strip(),
        notification_id=str(message["X-Notification-ID"]).strip(),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=text,
        taken_at=taken_at,
        answered_at=answered_at,
    )


@contextlib.contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """A mailbox for a test."""
    mailbox = Mailbox()
    try:
        yield mailbox
    finally:
        mailbox.close()
