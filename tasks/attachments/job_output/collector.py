"""Collects the output of jobs: each look is short, and in between the notification waits in the ledger."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Final

from settings_store.snapshot import Snapshot
from tasks.attachments.gathered import Wait
from tasks.attachments.item import Item
from tasks.attachments.job_output.items import items_of
from tasks.attachments.job_output.look import Look
from tasks.attachments.job_output.provider import JobOutputProvider, SchedulerFault
from tasks.attachments.job_output.requests_made import JobRequest, KeptFault
from tasks.attachments.memory import AttachmentMemory
from tasks.attachments.scope import Scope
from tasks.attachments.source import Fault

TIMEOUT_OPTION: Final = "general.jors_attachment_timeout"
#: Between two looks; the scheduler itself looks into its queue of requests every 5 s.
LOOK_EVERY_SECONDS: Final = 3.0
#: One look asks no more questions after this; the next goes on from there.
LOOK_MAX_SECONDS: Final = 20.0
#: Unless all is there and only to be fetched: what a look has not brought at its end, the next fetches again.
FETCH_MAX_SECONDS: Final = 60.0
NO_SCHEDULER: Final = "no scheduler is named (option jors.api_address)"


class JobOutputs:
    """Collects for any number of notifications; safe between threads.

    Args:
        connect: The scheduler that the options name, for a look of so many seconds; None = none is named.
        clock: Seconds that only grow.
        stopping: Whether this process is to end; a look then asks no further question.
    """

    def __init__(
        self,
        connect: Callable[[Snapshot, float], JobOutputProvider | None],
        *,
        clock: Callable[[], float] = time.monotonic,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._stopping = stopping

    def collect(self, wanted: Mapping[int, int], scope: Scope) -> dict[int, list[Item]] | Wait:
        """The outputs of the jobs, each in memory, or that they are to be waited for.

        Args:
            wanted: Job number by place.
            scope: The look.

        Raises:
            settings_store.errors.SecretFault: This process cannot open the password.
        """
        memory, options = scope.memory, scope.options
        seconds = options.number(TIMEOUT_OPTION)
        if memory.jobs_since_ms == 0 or memory.jobs_pass != scope.passes:
            memory.jobs_since_ms, memory.jobs_pass = scope.now_ms, scope.passes
            _ask_failed_again(memory, strict=scope.strict)
        jobs = {place: memory.jobs.setdefault(place, JobRequest()) for place in wanted}
        left_seconds = seconds - (scope.now_ms - memory.jobs_since_ms) / 1000
        look = Look(jobs, wanted, may_ask=left_seconds > 0)
        self._make(look, scope, left_seconds if look.may_ask else LOOK_MAX_SECONDS)
        if look.may_ask and not look.is_complete:
            return Wait(min(LOOK_EVERY_SECONDS, left_seconds), _waits_words(wanted, jobs))
        late = KeptFault(Fault.LATE, _late_words(seconds, memory.jobs_trouble))
        # A later pass is not to wait for the same again; what is there, it fetches.
        look.give_up(late, even_there=False)
        limit_bytes = options.number("jors.agent_limit_bytes")
        found = {
            place: items_of(number, jobs[place], look.texts_of(place), late, limit_bytes)
            for place, number in wanted.items()
        }
        for item in itertools.chain.from_iterable(found.values()):
            item.seconds = (scope.now_ms - memory.jobs_since_ms) / 1000
        return found

    def _make(self, look: Look, scope: Scope, left_seconds: float) -> None:
        """Ask what can be asked now, and be done by then."""
        memory = scope.memory
        provider = self._connect(scope.options, min(left_seconds, FETCH_MAX_SECONDS))
        if provider is None:
            look.give_up(KeptFault(Fault.NOT_ALLOWED, NO_SCHEDULER), even_there=True)
            return
        began = self._clock()
        try:
            for place, output_place in look.questions():
                longest = FETCH_MAX_SECONDS if look.is_all_there else LOOK_MAX_SECONDS
                if self._clock() - began > min(left_seconds, longest) or self._stopping():
                    break
                look.ask(provider, place, output_place)
                memory.jobs_trouble = ""
        except SchedulerFault as fault:
            memory.jobs_trouble = fault.words
            if not fault.is_passing:
                look.give_up(KeptFault(fault.kind, fault.words), even_there=True)
        finally:
            provider.close()


def _ask_failed_again(memory: AttachmentMemory, *, strict: bool) -> None:
    if not strict:
        return
    for place, job in list(memory.jobs.items()):
        if job.fault is not None or any(output.fault for output in job.outputs or ()):
            memory.jobs[place] = JobRequest()


def _waits_words(wanted: Mapping[int, int], jobs: Mapping[int, JobRequest]) -> str:
    open_jobs = [str(number) for place, number in wanted.items() if not jobs[place].is_settled]
    shown = open_jobs or [str(number) for number in wanted.values()]
    more = f" and {len(shown) - 1} more" if len(shown) > 1 else ""
    return f"waits for the output of job {shown[0]}{more}"


def _late_words(seconds: int, trouble: str) -> str:
    because = f": {trouble}" if trouble else ""
    return f"it did not come within {seconds} s{because}"
