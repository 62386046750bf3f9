"""What Celery keeps of an exception: as much as before, and no copy of the code for each."""

from __future__ import annotations

import pickle
import tracemalloc

import pytest
from billiard import einfo

from workers import lean_tracebacks

FAILURES = 50


@pytest.fixture(autouse=True)
def _as_billiard_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(einfo._Frame, "Code", einfo._Code)


def kept(depth: int = 20) -> einfo.ExceptionInfo:
    """What Celery keeps of an exception from that deep."""

    def fall(left: int) -> None:
        if left:
            fall(left - 1)
        raise ValueError("at the bottom")

    try:
        fall(depth)
    except ValueError:
        return einfo.ExceptionInfo()
    raise AssertionError("nothing was raised")


def bytes_of_failures() -> int:
    tracemalloc.start()
    try:
        failures = [kept() for _ in range(FAILURES)]
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(failures) == FAILURES
    return taken


def test_what_is_kept_of_many_failures_takes_a_small_part_of_what_it_took() -> None:
    before = bytes_of_failures()
    assert lean_tracebacks.install(), "billiard makes no copies any more: this module can go"
    kept()
    assert bytes_of_failures() < before / 3


def test_a_traceback_reads_as_before_also_where_it_travelled() -> None:
    before = kept()
    assert lean_tracebacks.install()
    for after in (kept(), pickle.loads(pickle.dumps(kept()))):
        assert str(after.traceback) == str(before.traceback)
        assert "at the bottom" in str(after.traceback)


def test_codes_that_differ_in_nothing_but_their_file_are_told_apart() -> None:
    assert lean_tracebacks.install()
    names = set()
    for file in ("one.py", "other.py"):
        scope: dict[str, object] = {}
        exec(compile("def fail():\n    raise ValueError\n", file, "exec"), scope)
        try:
            scope["fail"]()  # type: ignore[operator]
        except ValueError:
            names.add(einfo.ExceptionInfo().tb.tb_next.tb_frame.f_code.co_filename)
    assert names == {"one.py", "other.py"}
