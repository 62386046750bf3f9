"""One notification for a person: what is the matter first, then who got it, then what happened when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from console.cli.attempt_view import entry_lines
from console.cli.cell_text import cut, padded, shown, wrapped
from console.cli.screen import Screen
from console.cli.state_words import COLOUR_OF_STATE, MARK_OF_OUTCOME, MEANING_OF_STATE
from console.presenting.message_json import recipients_of
from console.presenting.relative_time import clock_time, duration, local_date, relative
from console.presenting.timeline_groups import grouped
from tasks.dead_letter import cause_of
from tasks.ledger import FINAL_STATES
from tasks.ledger.queries import Record
from tasks.notification import InvalidNotification, load

#: More than these fill a screen without telling more; `--json` has them all.
RECIPIENTS_SHOWN = 12
ENTRIES_SHOWN = 40
#: Twice the time after which a worker that runs has rung again for whatever is due.
STUCK_AFTER_MS = 60_000

#: More telling than the meaning of the state, where it holds.
TWICE = "sent again after a reply was lost"
_CHANNEL = {"email": "e-mail", "text": "text"}
_LABEL_COLUMNS = 12
_OUTCOME_COLUMNS = 15


def message_lines(record: Record, *, now_ms: int, screen: Screen) -> Iterator[str]:
    """The whole view, line by line."""
    state, meaning = record.state.upper(), MEANING_OF_STATE[record.state]
    colours = COLOUR_OF_STATE[record.state]
    if record.perhaps_twice:
        state, meaning, colours = f"{state}, PERHAPS TWICE", TWICE, COLOUR_OF_STATE["uncertain"]
    yield f"{screen.paint(f'ID={record.number}', 'bold')}  {screen.paint(state, *colours)}  {meaning}"
    yield ""
    for label, value in _facts(record, now_ms):
        lines = wrapped(value, screen.columns - _LABEL_COLUMNS)
        yield padded(label, _LABEL_COLUMNS) + lines[0]
        yield from (" " * _LABEL_COLUMNS + line for line in lines[1:])
    yield ""
    yield from _recipients(record, screen)
    if record.timeline:
        yield ""
        yield from _timeline(record, now_ms, screen)


def _facts(record: Record, now_ms: int) -> Iterator[tuple[str, str]]:
    if record.reason:
        yield "why", shown(record.reason)
    if cause := cause_of(record):
        yield "what to do", cause.link
    yield "what", f"{_CHANNEL[record.channel]}{_subject(record)}"
    context = _context(record)
    if context:
        yield "from", context
    yield "accepted", _when(record.accepted_at_ms, now_ms)
    if record.finished_at_ms is not None:
        took = duration(record.finished_at_ms - record.accepted_at_ms)
        yield "finished", f"{_when(record.finished_at_ms, now_ms)}, after {took}"
    if record.next_at_ms is not None:
        yield "next try", _when(record.next_at_ms, now_ms)
    if _is_stuck(record, now_ms):
        yield "attention", "nobody took it when it was due: does a worker run?"
    if record.state not in FINAL_STATES:
        yield "given up", f"{_when(record.expires_at_ms, now_ms)}, unless sent before"
    yield "id", shown(record.id)


def _is_stuck(record: Record, now_ms: int) -> bool:
    """Whether a worker should have moved it, and none did."""
    if record.state in FINAL_STATES:
        return False
    due_ms = record.expires_at_ms
    if record.next_at_ms is not None:
        due_ms = record.next_at_ms
    elif record.state == "queued" and not record.timeline:
        due_ms = record.accepted_at_ms
    return now_ms - due_ms > STUCK_AFTER_MS


def _subject(record: Record) -> str:
    try:
        notification = load(record.content)
    except InvalidNotification:
        return ""
    lane = "" if record.lane == "normal" else f", {record.lane}"
    return f'{lane}, "{cut(shown(notification.subject), 160)}"' if notification.subject else lane


def _context(record: Record) -> str:
    """What the scheduler said of itself."""
    try:
        context = load(record.content).context
    except InvalidNotification:
        return ""
    named = (("schedule", context.schedule), ("job", context.job), ("machine", context.machine))
    return ", ".join(f"{name} {cut(shown(value), 60)}" for name, value in named if value)


def _when(at_ms: int, now_ms: int) -> str:
    return f"{clock_time(at_ms)}, {relative(at_ms, now_ms)}"


def _recipients(record: Record, screen: Screen) -> Iterator[str]:
    counts = Counter(record.outcomes)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    yield screen.paint(f"Recipients: {told}", "bold")
    # Whoever did not get it comes first.
    order = ("refused", "uncertain", "open", "delivered")
    twice = record.perhaps_twice
    everybody = sorted(
        enumerate(zip(recipients_of(record), record.outcomes, strict=True)),
        key=lambda one: (order.index(one[1][1]), one[0] not in twice),
    )
    for place, (address, outcome) in everybody[:RECIPIENTS_SHOWN]:
        mark, colour = MARK_OF_OUTCOME["uncertain" if place in twice else outcome]
        mention = f"{shown(address)}, perhaps twice" if place in twice else shown(address)
        first, *more = wrapped(mention, screen.columns - _OUTCOME_COLUMNS)
        yield f"  {screen.paint(f'{mark} {outcome:<9}', colour)}  {first}"
        yield from (" " * _OUTCOME_COLUMNS + line for line in more)
    if len(everybody) > RECIPIENTS_SHOWN:
        yield f"    and {len(everybody) - RECIPIENTS_SHOWN} more; --json lists them all"


def _timeline(record: Record, now_ms: int, screen: Screen) -> Iterator[str]:
    timeline = grouped(record.timeline)
    left_out = max(len(timeline) - ENTRIES_SHOWN, 0)
    entries = timeline[left_out:]
    dates = [local_date(int(entry.get("at") or record.accepted_at_ms)) for entry in entries]
    yield screen.paint(f"Timeline, {dates[0]}", "bold")
    if left_out:
        yield f"  after {left_out} earlier entries; --json has them all"
    recipients = recipients_of(record)
    for place, entry in enumerate(entries):
        if place and dates[place] != dates[place - 1]:
            yield screen.paint(f"  {dates[place]}", "bold")
        yield from entry_lines(
            entry,
            accepted_at_ms=record.accepted_at_ms,
            now_ms=now_ms,
            is_last=place == len(entries) - 1 and record.state not in FINAL_STATES,
            recipients=recipients,
            screen=screen,
        )
