from __future__ import annotations

from typing import Any

import pytest

from tasks.message_headers import fault_of

GOOD: dict[str, Any] = {
    "id": "3b241101", "root_id": "3b241101", "parent_id": None, "group": None, "retries": 0,
    "timelimit": [None, None],
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"id": "any text at all"},
        {"retries": None},
        {"retries": 7},
        {"timelimit": None},
        {"timelimit": [1, 0.5]},
    ],
)
def test_what_celery_sends_can_be_worked_with(change: dict[str, Any]) -> None:
    assert fault_of({**GOOD, **change}) is None
    assert fault_of({"id": "x"}) is None


WRONG: dict[str, tuple[Any, ...]] = {
    "id": (None, "", 0, True, [], ["a"], {"a": 1}, "\ud800", 1.5),
    "root_id": ([], {}, 0.5),
    "parent_id": ([], {}),
    "group": ([], {}),
    "retries": (-1, "1", True, 0.5, []),
    "timelimit": (5, "x", [], [1], [1, 2, 3], ["a", None], [True, None], {}),
}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in WRONG.items() for value in values])
def test_a_header_of_another_type_is_named(name: str, value: Any) -> None:
    assert fault_of({**GOOD, name: value}) == name
