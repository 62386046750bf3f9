"""Whatever servers, ledger and workers do: who has it is told so, gets it once, and all ends in time."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from settings_store.keyring import Keyring
from settings_store.redis_client import connect
from tasks.ledger import FINAL_STATES
from tests.rigs.delivery_bench import ID, Bench
from tests.rigs.delivery_servers import Answer, MailServer, Text, mail_server
from tests.rigs.losing_ledger import Losing, Loss, WorkerDied
from tests.rigs.scripted_smtp import Drop

HOUR_MS = 3_600_000
#: A claim that nobody ends runs out so long after its last renewal.
LEASE_MS = 30_000
RESEND_AFTER_MS = 60_000

#: Not said by a server: somebody saves an option at that moment, one that changes neither servers nor texts.
SAVE = "save"
ON_ARRIVAL: list[str | Drop] = [Drop(), "421 4.3.0 closing", "554 no service"]
BEFORE_THE_TEXT: list[str | Drop] = [
    Drop(),
    "451 4.3.0 trouble",
    "554 5.6.0 no",
    "530 5.7.0 sign in",
    "421 4.3.0 closing",
]
FOR_A_RECIPIENT: list[str | Drop] = [
    "450 4.2.1 busy",
    "450 4.2.0 greylisted, try again in 100 seconds",
    "452 too many recipients",
    "550 5.1.1 no such user",
    "550 5.7.1 relaying denied",
    "421 4.3.0 closing",
    "432 4.3.2 too many connections",
]
AFTER_THE_DOT: list[str | Drop] = [
    Drop(),
    "421 4.3.0 closing",
    "451 4.3.0 trouble",
    "451 4.7.1 retry after 20 seconds",
    "451 4.7.1 retry after 400 seconds",
    "452 4.3.1 disk full, come back in 90 seconds",
    "554 5.6.0 content",
    "535 5.7.8 who are you",
]
LOSSES: list[Loss] = ["before", "after", "dies before", "dies after"]


def seldom(answers: Sequence[str | Drop]) -> st.SearchStrategy[Answer]:
    """A step that mostly goes well, so that the steps after it are reached."""
    return st.just(()) | st.just(()) | often(answers)


def often(answers: Sequence[str | Drop]) -> st.SearchStrategy[Answer]:
    """A few answers in order; a server that has used them up is well."""
    return st.lists(st.none() | st.sampled_from(answers), max_size=4)


def servers(recipients: Sequence[str]) -> st.SearchStrategy[Mapping[str, Answer]]:
    steps: dict[str, st.SearchStrategy[Answer]] = {
        "GREETING": seldom(ON_ARRIVAL) | st.just(Drop()),
        "MAIL": seldom(BEFORE_THE_TEXT),
        "DATA": seldom([*BEFORE_THE_TEXT, *[SAVE] * 5]),
        "DOT": often(AFTER_THE_DOT),
    }
    for recipient in recipients:
        steps[f"RCPT {recipient}"] = often(FOR_A_RECIPIENT) | st.just("550 5.1.1 no such user")
    return st.fixed_dictionaries(steps)


@dataclass(frozen=True)
class Case:
    """A notification and everything that will go wrong with it."""

    channel: Literal["email", "text"]
    resend_texts: bool
    recipients: Sequence[str]
    servers: Sequence[Mapping[str, Answer]]
    losses: Mapping[str, list[Loss | None]]
    draw: float


@st.composite
def cases(draw: st.DrawFn) -> Case:
    recipients = [f"r{number}@x.test" for number in range(draw(st.sampled_from([1, 2, 2, 3])))]
    return Case(
        channel=draw(st.sampled_from(["email", "text"])),
        resend_texts=draw(st.booleans()),
        recipients=recipients,
        servers=[draw(servers(recipients)) for _ in range(draw(st.sampled_from([1, 2, 2])))],
        losses={
            name: draw(st.lists(st.none() | st.sampled_from(LOSSES), max_size=3))
            for name in ("intend", "record", "finish")
        },
        draw=draw(st.floats(0, 1)),
    )


def with_saves(bench: Bench, answer: Answer) -> Answer:
    """The answer with whatever somebody saves meanwhile."""

    def save() -> None:
        bench.set(text__history_days=100 + bench.store.snapshot().revision)

    if isinstance(answer, str) or not isinstance(answer, Sequence):
        return answer
    return [save if each == SAVE else each for each in answer]


def carry_out(bench: Bench) -> None:
    """Make passes until it is final."""
    for _ in range(200):
        with contextlib.suppress(WorkerDied):
            bench.deliver()
        if bench.state() in FINAL_STATES:
            return
        bench.wait()
    raise AssertionError("it never ends")


def agree(bench: Bench, case: Case, chain: Sequence[MailServer]) -> None:
    record, letters = bench.record(), bench.outcomes()
    taken = Counter(recipient for server in chain for recipient in server.got)
    copies = {recipient: perhaps_delivered(chain, recipient) for recipient in case.recipients}
    marked = {i for entry in record.timeline if entry["verdict"] == "uncertain" for i in entry["indexes"]}
    for index, recipient in enumerate(case.recipients):
        letter = letters[index]
        assert letter in "odrx"
        if letter == "d":
            assert taken[recipient] >= 1
        if letter in "or":
            assert copies[recipient] == []
        if letter == "x":
            assert index in marked
        if len(copies[recipient]) > 1:
            first, second = copies[recipient]
            assert index in marked
            assert second.at_ms - first.at_ms >= RESEND_AFTER_MS
            assert case.channel == "email" or case.resend_texts
            assert first.raw == second.raw
        if letter == "r":
            assert all(recipient in server.asked or "MAIL" in server.verbs for server in chain)
    assert record.state == expected_state(letters, by_poison=record.lapses >= 3)
    assert record.finished_at_ms is not None
    assert record.finished_at_ms <= record.expires_at_ms + LEASE_MS
    assert bench.queries.due_scores()["normal"] == {}
    event(f"{record.state} with {len(chain)} servers")


def perhaps_delivered(chain: Sequence[MailServer], recipient: str) -> list[Text]:
    """The texts that the servers took for somebody, or never said what became of them, in order."""
    texts = [text for server in chain for text in server.texts if recipient in text.recipients]
    return sorted((text for text in texts if text.reply[:1] in {"", "2"}), key=lambda text: text.at_ms)


def expected_state(letters: str, *, by_poison: bool) -> str:
    if "x" in letters:
        return "uncertain"
    if "o" in letters:
        return "partial" if "d" in letters else "failed" if by_poison else "expired"
    if "r" in letters:
        return "partial" if "d" in letters else "failed"
    return "delivered"


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(case=cases())
def test_the_ledger_tells_what_the_servers_know(valkey_url: str, keyring: Keyring, case: Case) -> None:
    with contextlib.ExitStack() as stack:
        client = connect(valkey_url)
        stack.callback(client.close)
        client.flushall()
        losing = Losing(client)
        bench = Bench(client, keyring, worker_ledger=losing, pause=losing.pauses.append)
        chain = [stack.enter_context(mail_server()) for _ in case.servers]
        stack.callback(bench.close)
        for server, answers in zip(chain, case.servers, strict=True):
            server.answers.update({step: with_saves(bench, answer) for step, answer in answers.items()})
            server.now_ms = lambda: bench.clock.now_ms
        bench.use(**dict(zip(("primary_email", "secondary_email"), chain, strict=False)))
        bench.set(
            delivery__email_age_limit_hours=1,
            delivery__text_age_limit_hours=1,
            delivery__resend_uncertain_text=case.resend_texts,
        )
        losing.losses.update({name: [*losses] for name, losses in case.losses.items()})
        bench.draw = case.draw
        accept = bench.accept_email if case.channel == "email" else bench.accept_text
        accept(*case.recipients)
        carry_out(bench)
        agree(bench, case, chain)
        assert bench.record().id == ID
