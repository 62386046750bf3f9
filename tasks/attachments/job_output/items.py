"""What a job's output is in a mail: a file for each, or a line where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tasks.attachments.content import Content
from tasks.attachments.file_names import safe_name
from tasks.attachments.fitting import megabytes
from tasks.attachments.item import Item
from tasks.attachments.job_output.requests_made import JobRequest, KeptFault, OutputRequest


def items_of(
    number: int, job: JobRequest, texts: Mapping[int, str], late: KeptFault, limit_bytes: int
) -> list[Item]:
    """The files of one job.

    Args:
        number: The job.
        job: What became of the questions.
        texts: The outputs, by place.
        late: What is said of those that did not come.
        limit_bytes: From this length on an output may have been cut by its agent; 0 = not said.
    """
    asked = f"output of job {number}"
    if job.fault is not None or job.outputs is None:
        return [Item(asked, asked, fault=(job.fault or late).raised())]
    if not job.outputs:
        return [Item(asked, asked, remark="the job has no output")]
    return list(_files(asked, job.outputs, texts, late, limit_bytes))


def _files(
    asked: str, outputs: list[OutputRequest], texts: Mapping[int, str], late: KeptFault, limit_bytes: int
) -> Iterator[Item]:
    for place, output in enumerate(outputs):
        name = safe_name(output.path)
        text = texts.get(place)
        if output.fault is not None or text is None:
            yield Item(f"{asked}, {name}", name, fault=(output.fault or late).raised())
        elif not text:
            yield Item(f"{asked}, {name}", name, remark="the output is empty")
        else:
            yield _file(f"{asked}, {name}", name, text, limit_bytes)


def _file(asked: str, name: str, text: str, limit_bytes: int) -> Item:
    content = text.encode("utf-8", "replace")
    charset = "" if "\0" in text else ("us-ascii" if text.isascii() else "utf-8")
    item = Item(asked, name, Content(name, content), charset)
    if limit_bytes and len(content) >= limit_bytes:
        item.remark = (
            f"may be cut: it is as long as agents give of an output, {megabytes(limit_bytes)} "
            "(option jors.agent_limit_bytes)"
        )
    return item
