"""The table of transitions: complete, and drawn as it is."""

from __future__ import annotations

from pathlib import Path

from tasks.ledger import FINAL_STATES, OPEN_STATES, STATES
from tasks.ledger.transitions import MEANING, TRANSITIONS, diagram, page


def test_the_page_in_docs_is_the_one_that_the_table_gives() -> None:
    committed = Path(__file__).parents[2] / "docs" / "ledger.md"
    assert committed.read_text(encoding="utf-8") == page()


def test_every_state_is_explained_and_can_be_reached() -> None:
    assert set(MEANING) == set(STATES)
    assert set().union(*TRANSITIONS.values()) == set(STATES)


def test_every_open_state_can_end() -> None:
    for state in OPEN_STATES:
        ends = {end for (start, _), to in TRANSITIONS.items() if start == state for end in to}
        assert ends & FINAL_STATES


def test_nothing_but_a_late_250_or_a_replay_moves_a_final_state() -> None:
    assert {move for (start, move) in TRANSITIONS if start in FINAL_STATES} == {"late 250", "replay"}


def test_only_dead_letters_are_replayed() -> None:
    replayed = {start for (start, move) in TRANSITIONS if move == "replay"}
    assert replayed == FINAL_STATES - {"delivered", "cancelled"}


def test_the_diagram_names_every_state() -> None:
    assert all(state in diagram() for state in STATES)
