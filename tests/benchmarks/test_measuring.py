"""Rounds that alternate, figures, goals and the table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import __main__
from benchmarks.__main__ import main
from benchmarks.measuring import machine, table
from benchmarks.measuring.figure import Figure, Goal, Result, ratio
from benchmarks.measuring.run import Run, Side
from tests.rigs.processes import require_program


def run_of(rounds: int, folder: Path) -> tuple[Run, list[str]]:
    told: list[str] = []
    return Run(folder, rounds, told.append), told


def recording(name: str, order: list[str]) -> Callable[[], float]:
    """Measures 1, 2, 3 and so on, and writes down that it was its turn."""
    values = itertools.count(1)

    def measure() -> float:
        order.append(name)
        return float(next(values))

    return measure


def test_sides_take_turns_in_who_is_first_and_the_first_round_is_not_counted(tmp_path: Path) -> None:
    order: list[str] = []
    run, told = run_of(3, tmp_path)
    found = run.alternate(Side("a", recording("a", order)), Side("b", recording("b", order), "ms"))
    assert "".join(order) == "baabbaab"
    assert found["a"] == Figure("a", "/s", (2.0, 3.0, 4.0))
    assert found["b"].unit == "ms"
    assert told[0].startswith("warming up: b")
    assert told[-1] == "round 3 of 3: b  4 ms"


def test_what_is_measured_besides_leaves_out_the_time_before_the_first_round(tmp_path: Path) -> None:
    run, _ = run_of(2, tmp_path)
    assert run.counted([9.0, 1.0, 2.0]) == (1.0, 2.0)


def test_the_short_form_measures_each_side_once(tmp_path: Path) -> None:
    order: list[str] = []
    found = Run(tmp_path, 1, order.append, short=True).alternate(Side("a", recording("a", order)))
    assert found["a"].rounds == (1.0,)


def test_a_figure_is_its_median_with_its_spread() -> None:
    figure = Figure("mails", "/s", (500.0, 100.0, 300.0))
    assert (figure.median, figure.lowest, figure.highest) == (300, 100, 500)
    assert figure.as_json()["rounds"] == [500, 100, 300]


def test_a_ratio_is_taken_round_by_round() -> None:
    ours, theirs = Figure("a", "/s", (10, 40)), Figure("b", "/s", (20, 40))
    assert ratio("a / b", ours, theirs).rounds == (0.5, 1.0)
    with pytest.raises(ValueError, match="shorter"):
        ratio("a / b", ours, Figure("b", "/s", (1,)))


@pytest.mark.parametrize("bounds, met", [({"at_least": 2.0}, True), ({"at_least": 2.1}, False)])
def test_a_lower_bound_is_met_from_there_on(bounds: dict[str, float], *, met: bool) -> None:
    assert Goal(Figure("x", "x", (1, 2, 3)), **bounds).is_met is met


@pytest.mark.parametrize("bound, met", [(2.0, True), (1.9, False)])
def test_an_upper_bound_is_met_up_to_there(bound: float, *, met: bool) -> None:
    assert Goal(Figure("x", "ms", (1, 2, 3)), at_most=bound).is_met is met


@pytest.mark.parametrize("bounds", [{}, {"at_least": 1.0, "at_most": 2.0}])
def test_a_goal_has_one_bound(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="either a lower or an upper"):
        Goal(Figure("x", "x", (1,)), **bounds)


RESULT = Result(
    "deliveries a second of one worker, to a server that takes them as fast as ever they come",
    [Figure("notifications", "/s", (1234.5, 1000.0)), Figure("each", "ms", (0.1234,))],
    [
        Goal(Figure("of a task", "x", (0.5, 0.7, 0.6)), at_least=0.6),
        Goal(Figure("p99", "ms", (51,)), at_most=50),
    ],
    {"Redis": "with words " * 20},
    ["A note " * 30],
    "needs the program smtp-sink",
)


RESULT_MET = Result(
    "what", [Figure("mails", "/s", (300, 100))], [Goal(Figure("p99", "ms", (49,)), at_most=50)]
)
RESULT_MISSED = Result("what", goals=[Goal(Figure("p99", "ms", (51,)), at_most=50)])


def test_the_table_says_goal_and_verdict_within_eighty_columns(tmp_path: Path) -> None:
    about = machine.machine(require_program("redis-server"), tmp_path)
    lines = [*table.head(about, 5, short=False), *table.lines("overhead", RESULT)]
    assert max(map(len, lines)) <= table.WIDTH
    text = "\n".join(lines)
    assert "1,117 /s  1,000 to 1,234" in text
    assert "✓ of a task" in text
    assert "goal ≥ 0.6  met" in text
    assert "✗ p99" in text
    assert "goal ≤ 50  missed" in text
    assert "not run: needs the program smtp-sink" in text
    assert not any(line != line.rstrip() for line in lines)


def test_a_short_run_judges_nothing() -> None:
    text = "\n".join(table.lines("overhead", RESULT, short=True))
    assert "not judged" in text
    assert "missed" not in text


def test_the_document_for_programs_says_what_was_met() -> None:
    document = json.loads(json.dumps(RESULT.as_json()))
    assert [goal["met"] for goal in document["goals"]] == [True, False]
    assert document["goals"][0]["at_least"] == 0.6
    assert "at_most" not in document["goals"][0]


def test_the_machine_is_named_with_what_decides_a_figure(tmp_path: Path) -> None:
    about = machine.machine(require_program("redis-server"), tmp_path)
    assert {"processor", "python", "redis", "sync to disk"} <= about.keys()
    assert "cores" in about["processor"]
    assert about["redis"].split()[-1][0].isdigit()


@pytest.mark.parametrize(
    "arguments, said",
    [(["overheads"], "no such benchmark: overheads; allowed: overhead"), (["--rounds", "0"], "1 or more")],
)
def test_what_cannot_be_run_is_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_the_command_prints_a_document_and_puts_it_where_older_ones_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(__main__, "BENCHMARKS", {name: lambda _run: RESULT_MET for name in ("one", "two")})
    kept = tmp_path / "found.json"
    assert main(["two", "--short", "--json", "--output", str(kept)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads(kept.read_text())
    assert document["benchmarks"]["two"]["short"]
    assert main(["one", "--rounds", "2", "--output", str(kept)]) == 0
    assert list(json.loads(kept.read_text())["benchmarks"]) == ["one", "two"]


def test_a_goal_that_is_missed_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "BENCHMARKS", {"overhead": lambda _run: RESULT_MISSED})
    assert main(["overhead", "--rounds", "1"]) == 1
    assert "missed" in capsys.readouterr().out


def test_a_program_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(_run: Run) -> Result:
        pytest.skip("needs the program smtp-sink")

    monkeypatch.setattr(__main__, "BENCHMARKS", {"overhead": lacking})
    assert main(["overhead"]) == 1
    assert "not run: needs the program smtp-sink" in capsys.readouterr().out
