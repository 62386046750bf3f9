"""One short look at the jobs of a notification: what is asked, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tasks.attachments.fitting import MEGABYTE, megabytes
from tasks.attachments.job_output.provider import (
    ActionGone,
    JobOutputProvider,
    Listed,
    Output,
    SchedulerFault,
)
from tasks.attachments.job_output.requests_made import JobRequest, KeptFault, OutputRequest
from tasks.attachments.source import AttachmentFault, Fault

#: What all outputs of a mail together may have, as they are in memory until it is sent. The options allow a
#: server 99 MB as sent at most, which are 72 MB; so nothing is left out that a server would take.
OUTPUTS_MAX_BYTES: Final = 73 * MEGABYTE


@dataclass(slots=True)
class Look:
    """One look at all jobs of a notification.

    Attributes:
        jobs: What was asked before, by place; changed by what is seen.
        numbers: The jobs' numbers, by place.
        may_ask: Whether there is time left for what is not there yet; else only what is there is fetched.
        texts: The outputs that this look brought, by the job's place and the output's.
    """

    jobs: Mapping[int, JobRequest]
    numbers: Mapping[int, int]
    may_ask: bool
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    _held_bytes: int = field(default=0, init=False)

    @property
    def is_all_there(self) -> bool:
        """Whether every job is settled: nothing is waited for, and what is there is only to be fetched."""
        return all(job.is_settled for job in self.jobs.values())

    @property
    def is_complete(self) -> bool:
        """Whether every job is settled, and this look brought whatever is there."""
        return self.is_all_there and not list(self._there())

    def texts_of(self, place: int) -> dict[int, str]:
        """The outputs of one job, by their place."""
        return {output: text for (job, output), text in self.texts.items() if job == place}

    def give_up(self, fault: KeptFault, *, even_there: bool) -> None:
        """Wait no longer for what this look has not brought.

        Args:
            fault: Why.
            even_there: Also for what the scheduler has ready, and will not give.
        """
        for place, job in self.jobs.items():
            if job.outputs is None and job.fault is None:
                job.fault = fault
            for output_place, output in enumerate(job.outputs or ()):
                is_wanted = even_there or not output.is_there
                if output.fault is None and is_wanted and (place, output_place) not in self.texts:
                    output.fault = fault

    def questions(self) -> Iterator[tuple[int, int | None]]:
        """What to ask, each as the job's place and the output's, None for the list; what is there comes last.

        Texts are large, so they are fetched once nothing else is waited for, or no time is left for it.
        """
        if self.may_ask:
            for place, job in self.jobs.items():
                if job.outputs is None and job.fault is None:
                    yield place, None
                for output_place, output in enumerate(job.outputs or ()):
                    if not output.is_settled:
                        yield place, output_place
        if not self.may_ask or self.is_all_there:
            yield from list(self._there())

    def ask(self, provider: JobOutputProvider, place: int, output_place: int | None) -> None:
        """Ask one question, and keep what comes of it."""
        job = self.jobs[place]
        if output_place is None:
            _ask_for_list(provider, self.numbers[place], job)
            return
        output = (job.outputs or [])[output_place]
        text = _ask_for_output(provider, self.numbers[place], output)
        if text is None:
            return
        self._held_bytes += (size_bytes := len(text.encode("utf-8", "replace")))
        if self._held_bytes > OUTPUTS_MAX_BYTES:
            self._held_bytes -= size_bytes
            has, most = megabytes(size_bytes), megabytes(OUTPUTS_MAX_BYTES)
            words = f"too large, it has {has}, and all outputs of a mail have {most} at most"
            output.fault = KeptFault(Fault.TOO_LARGE, words)
            return
        self.texts[place, output_place] = text

    def _there(self) -> Iterator[tuple[int, int]]:
        """The outputs that are there and that this look has not brought yet."""
        for place, job in self.jobs.items():
            for output_place, output in enumerate(job.outputs or ()):
                if output.is_there and output.fault is None and (place, output_place) not in self.texts:
                    yield place, output_place


def _ask_for_list(provider: JobOutputProvider, number: int, job: JobRequest) -> None:
    try:
        if not job.action:
            job.action = provider.ask_for_list(number)
            return
        answer = provider.look_at_list(job.action)
        if isinstance(answer, Listed):
            job.outputs = [OutputRequest(path) for path in answer.paths]
    except ActionGone:
        job.action = ""
    except SchedulerFault:
        raise
    except AttachmentFault as fault:
        job.fault = KeptFault(fault.kind, fault.words)


def _ask_for_output(provider: JobOutputProvider, number: int, output: OutputRequest) -> str | None:
    """The output, where it is there."""
    try:
        if not output.action:
            output.action = provider.ask_for_output(number, output.path)
            return None
        answer = provider.look_at_output(output.action)
        if isinstance(answer, Output):
            output.is_there = True
            return answer.text
    except ActionGone:
        # Forgotten since. What it brought is not kept here, so it is asked for again.
        output.action, output.is_there = "", False
    except SchedulerFault:
        raise
    except AttachmentFault as fault:
        output.fault = KeptFault(fault.kind, fault.words)
    return None
