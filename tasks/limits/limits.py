"""The limits' calls. What each does is in the Lua file of its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import redis

from tasks.limits.allowance import Allowance
from tasks.limits.pace import Pace, kept_for_urgent, pace_of
from tasks.limits.records import Granted, LimitsChanged, Renewed, Slot, Wait
from tasks.limits.scripts import Scripts
from tasks.lua_scripts import REDIS_CLOCK

_NO_PACE = Pace(burst=1, window_ms=0)


class Limits:
    """Keeps all workers together within the limits. One object a process; safe between threads.

    Each call is one atomic script on Redis' clock and may be repeated after a lost reply. All raise
    `redis.RedisError` where Redis does not answer.

    Args:
        client: From `settings_store.redis_client.connect`.
        worker: This process' name; connections are shared out fairly between workers.
        prefix: First part of every key.
        clock: Lua text that defines `now_ms()`; tests move time by it.
        revision_key: Where the options' revision is, for those who ask by one.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        worker: str,
        prefix: str = "notify",
        clock: str = REDIS_CLOCK,
        revision_key: str = "",
    ) -> None:
        self._scripts = Scripts(client, prefix, clock)
        self._worker = worker
        self._revision_key = revision_key

    def take(
        self,
        account: str,
        allowance: Allowance,
        *,
        message: str = "",
        holder: str = "",
        urgent: bool = False,
        revision: int | None = None,
        is_called: bool = False,
    ) -> Granted | Wait:
        """Ask for a message to go now over a connection; both or neither, in one round trip.

        A reserved time is this message's own: who asks again at that time may go. Who comes later may go as
        soon as the limit allows, without going to the end of the line. Without limits nothing is asked.

        Args:
            account: From `account_of`.
            allowance: What the options allow it.
            message: Names one message to one server over all its questions, also those after a wait or a lost
                reply; another once it was sent. Blank asks for a connection alone, as for a test.
            holder: Names the connection, whether it is open already or is to be opened; from `new_holder`.
                Blank asks for the message alone.
            urgent: Whether it goes before those that wait for their turns; these are put off by a moment.
            revision: Of the options that the allowance is of; None asks by it whatever the options say now.
            is_called: Whether whoever is done with a connection calls it: no other worker has to close one
                that it uses, then.

        Raises:
            LimitsChanged: There are newer options.
        """
        if allowance.is_unlimited:
            return Granted()
        paced = pace_of(allowance.messages_per_minute) if allowance.messages_per_minute else _NO_PACE
        answer, now_ms, value = self._scripts.run(
            "take",
            account,
            message,
            allowance.messages_per_minute,
            paced.burst,
            paced.window_ms,
            allowance.connections,
            holder,
            self._worker,
            int(urgent),
            self._revision_key,
            "" if revision is None else revision,
            kept_for_urgent(allowance.messages_per_minute),
            int(is_called),
        )
        if answer == "changed":
            raise LimitsChanged
        if answer != "granted":
            return Wait(limit=answer, at_ms=value, wait_seconds=(value - now_ms) / 1000)
        has_slot = allowance.connections and holder
        slot = Slot(account, holder, self._worker) if has_slot else None
        return Granted(slot, must_yield=bool(value))

    def count(self, account: str, holder: str, *, revision: int | None = None) -> Slot:
        """Have a connection counted that is opened where connections have no limit.

        Where one is set while it is open, no other is opened beyond that limit, and with its next message it
        takes a place within it or is refused.

        Args:
            account: From `account_of`.
            holder: Names the connection.
            revision: As for `take`.

        Raises:
            LimitsChanged: There are newer options.
        """
        by = "" if revision is None else revision
        if not self._scripts.run("count", account, holder, self._worker, self._revision_key, by):
            raise LimitsChanged
        return Slot(account, holder, self._worker)

    def give_back(self, account: str, message: str) -> None:
        """Say that a message that was allowed, or has a reserved time, will not go."""
        self._scripts.run("give_back", account, message)

    def turns_come(self, accounts: Collection[str]) -> list[str]:
        """The messages of these accounts whose turn came in the last half minute, and that have not gone."""
        names: list[str] = self._scripts.run("turns_come", *accounts) if accounts else []
        return names

    def sent(self, account: str, message: str) -> None:
        """Say that a message that was allowed has been sent.

        It counts from when it was allowed until a minute after this: its server may have counted it at any
        moment in between, so that no minute of the server's sees more than the limit either. That holds for
        what is under way for less than a minute.
        """
        self._scripts.run("sent", account, message)

    def renew(self, slots: Collection[Slot]) -> Renewed:
        """Lengthen the leases of all connections of this process, in one round trip.

        To be called every few seconds: a lease lasts 30 s, and others wait for a connection that idles.
        """
        ordered = list(slots)
        if not ordered:
            return Renewed()
        answers = self._scripts.run("renew", *_arguments(ordered))
        told = list(zip(ordered, answers, strict=True))
        return Renewed(
            lost=frozenset(slot for slot, answer in told if answer == 0),
            # As in renew.lua.
            yielding=frozenset(slot for slot, answer in told if answer == 2),  # noqa: PLR2004
            wanted=frozenset(slot for slot, answer in told if answer == 3),  # noqa: PLR2004
        )

    def should_yield(self, slot: Slot) -> bool:
        """Whether to close a connection now that its message is sent: others wait for it, or it is lost."""
        return bool(self._scripts.run("should_yield", *_arguments([slot])))

    def release(self, slots: Collection[Slot]) -> None:
        """Say that these connections are closed."""
        if slots:
            self._scripts.run("release", *_arguments(slots))

    def leave(self, slots: Collection[Slot]) -> None:
        """Say that these are closed by us, and perhaps not by their servers yet, who may count them."""
        if slots:
            self._scripts.run("leave", *_arguments(slots))


def _arguments(slots: Collection[Slot]) -> Iterator[str]:
    for slot in slots:
        yield from (slot.account, slot.holder, slot.worker)
