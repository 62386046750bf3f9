"""Publishes many: while the ledger is at some of them, those that come next are made ready."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import redis

from settings_store.snapshot import Snapshot
from tasks import tracing
from tasks.entries import Document, checked
from tasks.ledger import Accepted, LedgerUnavailable
from tasks.notification import InvalidNotification
from tasks.portion import Portion
from tasks.receipts import Outcome, Published, PublishInterrupted, outcome_of
from tasks.recorder import Recorder, Recording


class Many:
    """One call of `publish_many`.

    Args:
        documents: What to publish.
        recorder: Records it.
        options: The options as they were last seen.
        forget_options: Have them looked at again.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        recorder: Recorder,
        *,
        options: Callable[[], Snapshot],
        forget_options: Callable[[], None],
    ) -> None:
        self._documents = documents
        self._recorder = recorder
        self._options = options
        self._forget_options = forget_options
        self._outcomes: dict[int, Outcome] = {}
        #: Whose turn is still to come: what is to be made anew, then the rest.
        self._again: deque[int] = deque()
        self._next = 0
        self._under_way: Recording | None = None

    def publish(self) -> list[Outcome]:
        """The outcome of each in its place; see `Publisher.publish_many`."""
        try:
            self._publish()
        except LedgerUnavailable as full:
            if not any(isinstance(outcome, Published) for outcome in self._outcomes.values()):
                raise
            places = range(len(self._documents))
            self._outcomes.update((place, full) for place in places if place not in self._outcomes)
        except redis.RedisError as away:
            raise self._interrupted(away) from away
        finally:
            if self._under_way:
                self._under_way.close()
        return [self._outcomes[place] for place in range(len(self._documents))]

    def _publish(self) -> None:
        self._send(self._prepared())
        while recording := self._under_way:
            following = self._prepared()
            answers = recording.answers()
            self._under_way = None
            moved = self._moved(recording.portion, answers)
            # Spans, where there are any, end in the order in which they began.
            goes_ahead = not moved and not tracing.is_on()
            try:
                if goes_ahead:
                    # Before anything else is done with the answers: Redis has no more to do now.
                    self._send(following)
            finally:
                self._take(recording, answers)
            if moved:
                # Made by older options, as was what follows: once more, in the same order.
                self._again.extendleft(reversed([*moved, *following.entries]))
                self._forget_options()
                following = self._prepared()
            if not goes_ahead:
                self._send(following)

    def _prepared(self) -> Portion:
        portion = Portion(self._options, among=len(self._documents))
        while portion.has_room and (self._again or self._next < len(self._documents)):
            if self._again:
                place = self._again.popleft()
            else:
                place, self._next = self._next, self._next + 1
            try:
                portion.add(place, checked(self._documents[place]))
            except InvalidNotification as fault:
                self._outcomes[place] = fault
        return portion

    def _send(self, portion: Portion) -> None:
        self._under_way = self._recorder.begin(portion) if portion.entries else None

    @staticmethod
    def _moved(portion: Portion, answers: Sequence[Accepted]) -> list[int]:
        return [
            place for place, answer in zip(portion.entries, answers, strict=True) if answer.status == "moved"
        ]

    def _take(self, recording: Recording, answers: Sequence[Accepted]) -> None:
        for (place, entry), answer in zip(recording.portion.entries.items(), answers, strict=True):
            if answer.status != "moved":
                self._outcomes[place] = outcome_of(answer, entry)
        recording.settle(answers)

    def _interrupted(self, away: redis.RedisError) -> PublishInterrupted:
        asked = self._under_way.portion.entries if self._under_way else {}
        unknown: Mapping[int, str] = {place: entry.id for place, entry in asked.items()}
        not_sent = [
            place
            for place in range(len(self._documents))
            if place not in self._outcomes and place not in unknown
        ]
        return PublishInterrupted(self._outcomes, unknown, not_sent, why=type(away).__name__)
