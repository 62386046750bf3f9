"""Lists by filter: the same as looking at every record, at a cost that does not grow with them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from settings_store.snapshot import Snapshot
from tasks.entries import checked, entry_of
from tasks.ledger import STATES, Claim, Intent, Ledger, LedgerQueries, MessageFilter, Results
from tasks.ledger import search as search_module
from tasks.ledger.queries import Record, Summary
from tasks.ledger.search import InvalidCursor
from tasks.notification import envelope_recipients, load
from tasks.search_terms import term
from tests.rigs.clock import START_MS, TEST_CLOCK, LedgerClock
from tests.rigs.notifications import email, text

JOBS = ("Payroll", "Backup of «DB»", "payroll 2")
MACHINES = ("prod1", "prod2")
ADDRESSES = ("ops@example.com", "oncall@bücher.example", "boss@example.com")
SERVERS = ("primary_email", "secondary_email")


@dataclass(frozen=True)
class Population:
    """Many records in every state, and what each really is."""

    queries: LedgerQueries
    records: tuple[Record, ...]


def populate(client: redis.Redis, count: int, *, seed: int = 7) -> Population:
    """Accept this many and let each come to something; two in three within one millisecond."""
    client.flushall()
    chance = random.Random(seed)
    clock = LedgerClock(client)
    ledger, queries = Ledger(client, clock=TEST_CLOCK), LedgerQueries(client)
    ids = []
    for number in range(1, count + 1):
        clock.advance(chance.choice([0, 0, 0.001, 60]))
        ids.append(f"id-{number}")
        entry = entry_of(checked(_document(chance, ids[-1])), Snapshot())
        assert ledger.accept(entry, ring=True).status == "accepted"
        _come_to_something(chance, ledger, ids[-1])
    records = [queries.get(notification_id) for notification_id in ids]
    return Population(queries, tuple(record for record in reversed(records) if record is not None))


def _document(chance: random.Random, notification_id: str) -> dict[str, Any]:
    make: Callable[..., Any] = chance.choice([email, email, text])
    names = {"job": chance.choice([*JOBS, None]), "schedule": "Nightly", "machine": chance.choice(MACHINES)}
    return dict(
        make(
            id=notification_id,
            to=chance.sample(ADDRESSES, chance.choice([1, 1, 2])),
            priority=chance.choice(["high", "normal", "low"]),
            context={name: value for name, value in names.items() if value},
        )
    )


def _come_to_something(chance: random.Random, ledger: Ledger, notification_id: str) -> None:
    fate = chance.choice(["queued", "sending", "d", "r", "x", "waiting", "held", "cancel", "twice"])
    if fate == "cancel":
        ledger.cancel(notification_id, by="test")
    if fate in {"cancel", "queued"}:
        return
    claim = _claim(ledger, notification_id)
    tried = list(SERVERS[: chance.choice([1, 1, 2])])
    if fate == "sending":
        return
    letter = {"twice": "u"}.get(fate, fate)
    outcomes = dict.fromkeys(range(len(claim.outcomes)), letter) if len(letter) == 1 else {}
    then: Literal["held", "waiting"] = "held" if fate == "held" else "waiting"
    _finish(ledger, claim, then, outcomes, tried)
    if fate == "twice":
        ledger.cancel(notification_id, by="test")
        ledger.replay(notification_id, age_limit_ms=9_000_000, by="t", why="t", even_uncertain=True)
        claim = _claim(ledger, notification_id)
        everybody = tuple(range(len(claim.outcomes)))
        intent = Intent(claim.attempts + 1, "f", tried[0], everybody, "x", 0)
        assert ledger.intend(claim, intent, revision=0) == "granted"
        _finish(ledger, claim, then, dict.fromkeys(everybody, "d"), tried)


def _claim(ledger: Ledger, notification_id: str) -> Claim:
    claim = ledger.claim(notification_id, worker="w")
    assert isinstance(claim, Claim)
    return claim


def _finish(
    ledger: Ledger, claim: Claim, then: Literal["held", "waiting"], outcomes: dict[int, str], tried: list[str]
) -> None:
    entries = [{"verdict": "tried", "server": server} for server in tried]
    ledger.finish(
        claim,
        then=then,
        results=Results(outcomes, entries),
        reason="because",
        delay_seconds=99,
        attempts=claim.attempts + 1,
    )


def matches(record: Record, wanted: MessageFilter) -> bool:
    """What the filter means, by looking at the record."""
    notification = load(record.content)
    known = {*(("recipient", address) for address in envelope_recipients(notification))}
    known |= {(name, getattr(notification.context, name) or "") for name in ("job", "schedule", "machine")}
    hashed = {term(name, value) for name, value in known}  # type: ignore[arg-type]
    return (
        (not wanted.states or record.state in wanted.states)
        and wanted.channel in {None, record.channel}
        and wanted.priority in {None, record.priority}
        and (wanted.server is None or wanted.server in record.servers)
        and (not wanted.perhaps_twice or bool(record.perhaps_twice))
        and set(wanted.terms) <= hashed
        and (wanted.since_ms is None or record.accepted_at_ms >= wanted.since_ms)
        and (wanted.until_ms is None or record.accepted_at_ms <= wanted.until_ms)
    )


@pytest.fixture(scope="module")
def population(valkey_url: str) -> Population:
    client = redis.Redis.from_url(valkey_url, decode_responses=True, protocol=3)
    return populate(client, 190)  # within one look, so that every total is exact


TIMES = st.none() | st.integers(START_MS - 60_000, START_MS + 8 * 3_600_000)
FILTERS = st.builds(
    MessageFilter,
    states=st.frozensets(st.sampled_from(STATES), max_size=3),
    channel=st.sampled_from([None, None, "email", "text"]),
    priority=st.sampled_from([None, None, "high", "normal", "low"]),
    server=st.sampled_from([None, None, *SERVERS]),
    perhaps_twice=st.sampled_from([False, False, False, True]),
    job=st.sampled_from([None, None, "PAYROLL", " backup  of «db» ", "unknown"]),
    schedule=st.sampled_from([None, None, None, "nightly"]),
    machine=st.sampled_from([None, None, *MACHINES]),
    recipient=st.sampled_from([None, None, "OPS@example.com", "oncall@xn--bcher-kva.example"]),
    since_ms=TIMES,
    until_ms=TIMES,
)


def test_the_population_knows_every_state_that_a_list_may_show(population: Population) -> None:
    # `partial` and `expired` are covered by the model of the ledger.
    assert {record.state for record in population.records} >= set(STATES) - {"partial", "expired"}
    assert any(record.perhaps_twice for record in population.records)


@given(wanted=FILTERS, limit=st.integers(1, 60))
def test_pages_put_together_are_what_looking_at_every_record_finds(
    population: Population, wanted: MessageFilter, limit: int
) -> None:
    expected = [record for record in population.records if matches(record, wanted)]
    found: list[Summary] = []
    after = None
    while True:
        page = population.queries.search(wanted, limit=limit, after=after)
        assert (page.total, page.total_is_exact) == (len(expected), True)
        assert len(page.summaries) <= limit
        found += page.summaries
        after = page.next_after
        if after is None:
            break
    assert {line.number for line in found} == {record.number for record in expected}
    assert len(found) == len(expected)
    times = [line.accepted_at_ms for line in found]
    assert times == sorted(times, reverse=True)
    by_number = {record.number: record for record in expected}
    for line in found:
        record = by_number[line.number]
        assert (line.id, line.state, line.servers) == (record.id, record.state, record.servers)
        assert line.perhaps_twice == bool(record.perhaps_twice)


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_a_page_of_many_rows_is_put_together_of_several_calls(
    population: Population, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(search_module, "_ROWS_A_CALL", rows)
    for wanted in (
        MessageFilter(),
        MessageFilter(job="payroll"),
        MessageFilter(job="payroll", channel="email"),
    ):
        expected = [record.number for record in population.records if matches(record, wanted)]
        for limit in (30, 1000):
            page = population.queries.search(wanted, limit=limit, offset=3)
            assert [line.number for line in page.summaries] == expected[3 : 3 + limit]
            assert (page.total, page.total_is_exact) == (len(expected), True)
            assert (page.next_after is None) == (limit == 1000)


@given(wanted=FILTERS)
def test_a_page_without_lines_tells_the_total(population: Population, wanted: MessageFilter) -> None:
    page = population.queries.search(wanted, limit=0)
    expected = sum(matches(record, wanted) for record in population.records)
    assert (page.summaries, page.total, page.total_is_exact) == ((), expected, True)


@given(wanted=FILTERS, offset=st.integers(0, 200))
def test_an_offset_leaves_out_the_newest(population: Population, wanted: MessageFilter, offset: int) -> None:
    everything = population.queries.search(wanted, limit=1000).summaries
    assert (
        population.queries.search(wanted, limit=7, offset=offset).summaries == everything[offset : offset + 7]
    )


def test_a_look_that_reaches_its_bound_says_at_least_and_where_to_go_on(
    population: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "LOOK", 10)
    monkeypatch.setattr(search_module, "PAGE_LOOK", 5)
    wanted = MessageFilter(machine="prod1", job="payroll", channel="text", states=frozenset({"delivered"}))
    expected = [record.number for record in population.records if matches(record, wanted)]
    found: list[int] = []
    after, pages = None, 0
    while True:
        page = population.queries.search(wanted, limit=2, after=after)
        assert not page.total_is_exact or page.total == len(expected)
        assert page.total <= len(expected)
        found += [line.number for line in page.summaries]
        after, pages = page.next_after, pages + 1
        if after is None:
            break
    assert found == expected
    assert pages > 1


@pytest.mark.parametrize("after", ["", "x", "1.x", "1", "-1.2", "1.2.3", "²."])
def test_a_place_that_no_page_named_is_refused(population: Population, after: str) -> None:
    with pytest.raises(InvalidCursor, match=r"^after: "):
        population.queries.search(MessageFilter(), after=after)


def commands(client: redis.Redis, ask: Callable[[], object]) -> int:
    """How many commands Redis runs for it, those within scripts included."""
    client.config_resetstat()
    ask()
    stats: Any = client.info("commandstats")
    return sum(entry["calls"] for name, entry in stats.items() if name != "cmdstat_config|resetstat")


def test_the_first_page_costs_the_same_among_many_times_as_many(
    redis_server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "LOOK", 50)
    monkeypatch.setattr(search_module, "PAGE_LOOK", 100)
    filters = (
        MessageFilter(),
        MessageFilter(states=frozenset({"delivered"}), channel="email"),
        MessageFilter(job="payroll"),
        MessageFilter(job="payroll", machine="prod1", server="primary_email"),
        MessageFilter(recipient="ops@example.com", states=frozenset({"failed"})),
        MessageFilter(since_ms=START_MS + 60_000),
    )
    costs: list[list[int]] = []
    for count in (1200, 3600):
        queries = populate(redis_server, count).queries
        queries.search(MessageFilter(), limit=10)
        costs.append(
            [commands(redis_server, partial(queries.search, wanted, limit=10)) for wanted in filters]
        )
    for few, many in zip(*costs, strict=True):
        assert many <= 1.2 * few


def test_key_names_and_lists_hold_no_address_and_no_text(redis_server: redis.Redis) -> None:
    population = populate(redis_server, 50)
    lists: Any = redis_server.smembers("notify:lists")
    names = " ".join(map(str, (*redis_server.keys("*"), *lists)))
    assert "payroll" not in names.lower()
    assert "example" not in names
    assert "prod" not in names
    assert population.queries.search(MessageFilter(machine="prod1")).total > 0


def test_a_server_is_found_by_as_soon_as_its_attempt_is_noted(redis_server: redis.Redis) -> None:
    LedgerClock(redis_server)
    ledger, queries = Ledger(redis_server, clock=TEST_CLOCK), LedgerQueries(redis_server)
    ledger.accept(entry_of(checked(email(id="n")), Snapshot()), ring=True)
    claim = _claim(ledger, "n")
    tried = Results({}, [{"verdict": "server_down", "server": "primary_email"}])
    assert ledger.record(claim, attempt=1, results=tried) == "recorded"
    wanted = MessageFilter(server="primary_email", states=frozenset({"sending"}))
    assert queries.search(wanted).total == 1
