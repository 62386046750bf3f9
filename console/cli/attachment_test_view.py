"""A test of an attachment in lines for a person, those that are certain so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from console.cli.cell_text import padded, shown
from console.cli.live_view import MARKS, block
from console.cli.screen import Screen
from console.presenting.relative_time import duration
from settings_store.catalog import GROUPS
from tasks.attachment_test import AttachmentReport, FileReport, StageReport
from tasks.attachments.fitting import megabytes

_STAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "path": "read the path",
        "allowed": "is it allowed",
        "resolve": "find the address",
        "connect": "connect",
        "sign_in": "sign in",
        "share": "share",
        "open": "open the file",
        "read": "read it",
        "token": "sign in",
        "list": "list the outputs",
        "output": "fetch an output",
    }
)
_SCHEDULER: Final = "is a scheduler named"
_NAME_COLUMNS: Final = max(map(len, (*_STAGES.values(), _SCHEDULER)))
_TIME_COLUMNS: Final = 7
#: Where each of these was made is in the line above already, or in the line of the whole.
_PLACE_UNSAID: Final = frozenset({"path", "resolve", "read"})


def test_lines(report: AttachmentReport, screen: Screen) -> Iterator[str]:
    """Everything that is certain so far."""
    if not report.is_under_way:
        return
    revision = "?" if report.revision is None else report.revision
    yield f"on worker {shown(report.worker)}, revision {revision}"
    yield screen.paint(shown(report.asked), "bold")
    for stage in report.stages:
        if stage.outcome not in MARKS:
            return
        yield from _stage_lines(stage, report, screen)
    for file in report.files:
        yield ""
        yield from _file_lines(file, screen)


# It is no test, whatever its name looks like to pytest.
test_lines.__test__ = False  # type: ignore[attr-defined]


def running(report: AttachmentReport) -> str:
    """What is being done now; blank for nothing."""
    stage = next((each for each in report.stages if each.outcome == "running"), None)
    if stage is None:
        return "" if report.worker else "… waiting for a worker"
    done = stage.facts.get("bytes")
    so_far = f", {megabytes(done)} so far" if done else ""
    again = f", asked {stage.tries} times" if stage.tries > 1 else ""
    return f"… {_name(stage, report)}{so_far}{again}"


def _name(stage: StageReport, report: AttachmentReport) -> str:
    if stage.stage == "allowed" and report.kind == "job_output":
        return _SCHEDULER
    return _STAGES[stage.stage]


def _stage_lines(stage: StageReport, report: AttachmentReport, screen: Screen) -> Iterator[str]:
    mark, colour = MARKS[stage.outcome]
    name = padded(_name(stage, report), _NAME_COLUMNS)
    if stage.outcome == "not_reached":
        yield f"  {screen.paint(mark, colour)} {screen.paint(name.rstrip(), 'dim')}"
        return
    time = padded(duration((stage.seconds or 0.0) * 1000), _TIME_COLUMNS)
    yield f"  {screen.paint(mark, colour)} {name}  {time}  {_facts(stage.facts)}".rstrip()
    if stage.place and stage.stage not in _PLACE_UNSAID and stage.place != report.asked:
        yield from block(stage.place, screen, "dim")
    for place in stage.facts.get("referred", ()):
        yield from block(f"DFS has it at {place}", screen, "dim")
    if stage.reason:
        yield from block(stage.reason, screen, "red")
    for sentence in stage.advice:
        yield from block(f"→ {sentence}", screen, "yellow")


def _facts(facts: dict[str, Any]) -> str:
    """What was learned, in words."""
    said = []
    if facts.get("bytes") is not None:
        said.append(megabytes(facts["bytes"]))
    if facts.get("mb_per_second") is not None:
        said.append(f"{facts['mb_per_second']:.1f} MB/s")
    if facts.get("outputs") is not None:
        said.append("1 output" if facts["outputs"] == 1 else f"{facts['outputs']} outputs")
    return ", ".join(said)


def _file_lines(file: FileReport, screen: Screen) -> Iterator[str]:
    """What a mail would make of a file."""
    if not file.ok:
        yield screen.paint(f"{shown(file.name)}: a mail would go without it", "red", "bold")
        yield from block(file.reason or "", screen, "red")
        return
    if not file.bytes and file.remark:
        yield f"{shown(file.name)}: {file.remark}; nothing is attached"
        return
    kind = f"text ({file.charset})" if file.charset else "bytes"
    size = f"{megabytes(file.bytes)}, as sent {megabytes(file.sent_bytes)}, as {kind}"
    yield f"{screen.paint(f'{shown(file.name)}: ok', 'green', 'bold')}, {size}"
    if file.remark:
        yield from block(file.remark, screen, "dim")
    for server, why in file.left_out.items():
        yield from block(f"→ {GROUPS[server]} would leave it out: {why}", screen, "yellow")
