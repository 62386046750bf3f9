"""Which of the messages that were published on one channel the broker has said it has."""

from __future__ import annotations


class PublisherConfirms:
    """Counts as the broker counts: the first message after the channel was told to confirm is number 1."""

    def __init__(self) -> None:
        self._published = 0
        self._unconfirmed: set[int] = set()
        self._refused = False

    def restart(self) -> None:
        """Begin again with number 1: the channel is a new one to the broker."""
        self._published = 0
        self._unconfirmed.clear()
        self._refused = False

    def published(self) -> None:
        """One more was sent."""
        self._published += 1
        self._unconfirmed.add(self._published)

    def answered(self, number: int, *, multiple: bool, has_it: bool = True) -> None:
        """The broker said of this one, or of all up to it, whether it has it."""
        answered = {each for each in self._unconfirmed if each <= number} if multiple else {number}
        self._unconfirmed -= answered
        self._refused = self._refused or not has_it

    @property
    def are_awaited(self) -> bool:
        """Whether the broker has yet to say of some whether it has them."""
        return bool(self._unconfirmed)

    def take_refusal(self) -> bool:
        """Whether it said of some that it has them not; asked once."""
        refused, self._refused = self._refused, False
        return refused
