"""Where the events of this process go: by the worker's own dispatcher, else by one of the process' own."""

from __future__ import annotations

from typing import Any

from celery import Celery, bootsteps

from settings_store.this_process import process_id
from workers.watched_events import ASK_AGAIN_SECONDS


class EventOutlet:
    """Sends events for tasks that tell of more than themselves.

    Args:
        app: The app.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._dispatcher: Any = None
        self._pid = 0

    def use(self, dispatcher: Any) -> None:
        """Send by this dispatcher from now on, in this very process."""
        self._dispatcher, self._pid = dispatcher, process_id()

    def send(self, kind: str, **fields: object) -> None:
        """Send an event; where the broker does not take it, it is lost, as Celery's own are."""
        if self._pid == process_id():
            self._dispatcher.send(kind, **fields)
            return
        # A child of a pool of processes: its parent's dispatcher is not to be used.
        if self._app.conf.worker_send_task_events:
            with self._app.events.default_dispatcher() as dispatcher:
                dispatcher.send(kind, **fields)


def step_for(outlet: EventOutlet) -> type[bootsteps.StartStopStep]:
    """The consumer's step that gives the outlet its dispatcher, a new one after each loss of the broker."""

    class OutletStep(bootsteps.StartStopStep):
        """Runs after the step that makes the dispatcher."""

        requires = ("celery.worker.consumer.events:Events",)
        flushing: Any = None

        def start(self, parent: Any) -> None:
            """Begin, or begin again."""
            dispatcher = parent.event_dispatcher
            outlet.use(dispatcher)
            # Else what is kept while nobody watches would wait for the next event.
            self.flushing = parent.timer.call_repeatedly(ASK_AGAIN_SECONDS, dispatcher.flush)

        def stop(self, _parent: Any) -> None:
            """End, or stop for a while."""
            if self.flushing is not None:
                self.flushing.cancel()

    return OutletStep
