"""The Celery tasks: thin, and truthful in Flower.

A pass runs under the notification's own id, with the number of passes as `retries`, so Flower shows one row a
notification: RETRY with its reason while recipients are open, FAILURE where it failed, SUCCESS where
everybody has it. Nothing that a task is given, raises or returns holds an address or a text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import redis
from celery import Celery, Task
from celery.app.task import Context
from celery.exceptions import Ignore, Reject, Retry, TaskPredicate
from celery.worker import state as worker_state

from settings_store.errors import SettingsError
from settings_store.logs import EventLog
from settings_store.logs.line import places
from tasks import broker, tracing
from tasks.attachment_test.examiner import Examiner as AttachmentExaminer
from tasks.delivery.batch import PATIENCE_SECONDS
from tasks.delivery.batch import deliver_many as deliver_all
from tasks.delivery.deliverer import PassResult
from tasks.delivery.succession import deliver_one
from tasks.later_start import starting_at
from tasks.ledger import FINAL_STATES, LedgerUnavailable
from tasks.notification import InvalidNotification
from tasks.publisher import Published, PublishError
from tasks.quiet_requests import QuietRequest, take_well_formed
from tasks.row_events import RowEvents, Send
from tasks.runtime import Runtime
from tasks.server_test.examiner import Examiner
from tasks.strands import aside
from tasks.task_id import fit_for_logs, notification_id_of
from tasks.telling import told

_GONE_WELL: Final = frozenset({"delivered", "cancelled"})
#: How soon a submission is tried again that the ledger could not take; the broker keeps it meanwhile.
_SUBMIT_AGAIN_SECONDS: Final = 5

_log = EventLog(__name__)


class NotificationFailed(Exception):
    """A notification is final without everybody having it; it waits in the list of dead letters."""


class NotificationPostponed(Exception):
    """Recipients are open; the ledger rings again at the time that is named."""


class NotificationRefused(Exception):
    """A submitted notification is not allowed; the message names field, fault and what is allowed."""


class PassCrashed(Exception):
    """A fault of this program. The log has where; what it said is left out, because it may quote content."""


class Postponed(Retry):
    """RETRY, in words that are fit to be read in Flower and in the log."""

    def __str__(self) -> str:
        return f"{self.message}; again at {self.when:%Y-%m-%d %H:%M:%S} UTC" if self.when else self.message

    def __repr__(self) -> str:
        return f"{NotificationPostponed.__name__}({str(self)!r})"


class NotifyTask(Task):
    """All tasks: results only where asked for, no arguments in sight."""

    abstract = True
    Request = f"{QuietRequest.__module__}:{QuietRequest.__name__}"
    Strategy = f"{take_well_formed.__module__}:{take_well_formed.__name__}"
    throws = (NotificationFailed, NotificationRefused, PassCrashed)
    typing = False


def register(app: Celery, runtime: Callable[[], Runtime], send_event: Send) -> None:
    """Add the tasks to an app.

    Args:
        app: The app.
        runtime: Gives this process' runtime; called in the process that runs the task.
        send_event: Sends events for the notifications of a batch.
    """

    @app.task(name=broker.DELIVER_TASK, base=NotifyTask, shared=False, acks_late=False, ignore_result=True)
    def deliver(*args: object, **kwargs: object) -> str:
        """Make one pass of a notification that the ledger has."""
        notification_id = _only("notification_id", args, kwargs)
        if not isinstance(notification_id, str):
            raise NotificationRefused("notification_id: must be text; allowed: the id of an accepted one")
        with _without_words(notification_id):
            return _run_pass(runtime(), notification_id, send_event)

    @app.task(
        name=broker.DELIVER_MANY_TASK,
        base=NotifyTask,
        shared=False,
        bind=True,
        acks_late=False,
        ignore_result=True,
        # Its notifications have the rows.
        send_events=False,
    )
    def deliver_many(self: Task, *args: object, **kwargs: object) -> str:
        """Make the first passes of notifications that the ledger has."""
        notification_ids = _only("notification_ids", args, kwargs)
        match notification_ids:
            case [str(), *rest] if all(isinstance(each, str) for each in rest):
                return _run_batch(runtime(), notification_ids, send_event, self.request)  # type: ignore[arg-type]
        raise NotificationRefused("notification_ids: must be texts; allowed: the ids of accepted ones")

    @app.task(
        name=broker.SUBMIT_TASK,
        base=NotifyTask,
        shared=False,
        bind=True,
        # Until it is accepted, a submission is nowhere but in the broker: it stays there while a worker has
        # it, goes back when a child of the pool dies with it, and is tried again without end.
        acks_late=True,
        reject_on_worker_lost=True,
        max_retries=None,
        ignore_result=False,
    )
    def submit(self: Task, *args: object, **kwargs: object) -> dict[str, object]:
        """Accept a notification and make its first pass; the answer is `{"id", "number"}`."""
        notification = _only("notification", args, kwargs)
        given = self.request.get("traceparent")
        with (
            _without_words(self.request.id),
            # What the sender traced goes on here, where it says so in the way of the standard.
            tracing.span("submit", kind="consumer", parent=given if isinstance(given, str) else None),
        ):
            published = _accept(runtime(), self, notification)
            answer: dict[str, object] = {"id": published.id, "number": published.number}
            _answer_now(self, answer)
            is_ours = published.id == self.request.id
            if is_ours and not published.fetches_files:
                _run_pass(runtime(), published.id, send_event, is_submitted=True)
                return answer
            runtime().ring(published.id)
            if is_ours:
                # Its first pass is for the queue that has a share of the slots, under this very row.
                raise _postponed("queued: its attachments are fetched by way of the queue for that", 0.0)
            return answer

    _register_test(app, broker.TEST_SERVER_TASK, lambda: runtime().examiner)
    _register_test(app, broker.TEST_ATTACHMENT_TASK, lambda: runtime().attachment_examiner)


def _register_test(app: Celery, name: str, examiner: Callable[[], Examiner | AttachmentExaminer]) -> None:
    @app.task(name=name, base=NotifyTask, shared=False, bind=True, acks_late=False, ignore_result=True)
    def test(self: Task, *args: object, **kwargs: object) -> str:
        """Make the test whose draft has this id."""
        test_id = _only("test_id", args, kwargs)
        if not isinstance(test_id, str):
            raise NotificationRefused("test_id: must be text; allowed: the id of a test")
        with _without_words(self.request.id):
            return examiner().make(test_id, worker=self.request.hostname)


def _only(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
    """The one argument of a task, by place or by name; Python's own error would quote its sender."""
    if len(args) == 1 and not kwargs:
        return args[0]
    if not args and kwargs.keys() == {name}:
        return kwargs[name]
    raise NotificationRefused(f"arguments: are not {name} alone; allowed: kwargs={{{name!r}: …}}")


@contextlib.contextmanager
def _without_words(task_id: str) -> Iterator[None]:
    """Let through what is made for Flower; of other errors the name alone: their words may quote content."""
    try:
        yield
    except (TaskPredicate, NotificationFailed, NotificationRefused):
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is
        where = places(error.__traceback__)
        name = type(error).__name__
        _log.error("pass_crashed", task=fit_for_logs(task_id), error=name, at=where)
        raise PassCrashed(f"{name}; the worker's log says where") from None


def _answer_now(task: Task, answer: dict[str, object]) -> None:
    """Keep the answer before the pass: asked was whether it is accepted, and a pass may end as Retry."""
    if task.request.ignore_result:
        return
    try:
        task.backend.mark_as_done(task.request.id, answer, request=task.request)
    except redis.RedisError as error:
        _log.warning("answer_not_kept", task=fit_for_logs(task.request.id), error=type(error).__name__)


def _accept(runtime: Runtime, task: Task, notification: object) -> Published:
    if not isinstance(notification, Mapping):
        raise NotificationRefused("notification: is missing or no object; allowed: a notification, version 1")
    document = starting_at(notification, task.request.eta, task.request.expires)
    if document.get("id") is None:
        document["id"] = notification_id_of(task.request.id)
    try:
        return runtime.publisher.accept(document)
    except (InvalidNotification, PublishError) as fault:
        raise NotificationRefused(str(fault)) from None
    except (LedgerUnavailable, SettingsError, redis.RedisError) as error:
        _log.warning("submission_waits", task=fit_for_logs(task.request.id), error=type(error).__name__)
        raise _submitted_again(task, document) from None


def _submitted_again(task: Task, document: Mapping[str, object]) -> Exception:
    """Put a submission back into the broker for later; it is acknowledged only after that."""
    words = "the ledger does not accept now"
    try:
        task.retry(
            args=(),
            kwargs={"notification": document},
            exc=NotificationPostponed(words),
            countdown=_SUBMIT_AGAIN_SECONDS,
            throw=False,
        )
    except Reject:
        # The broker did not take it either. Celery would drop it now.
        rejected: Exception = Reject(words, requeue=True)
        return rejected
    return _postponed(words, _SUBMIT_AGAIN_SECONDS)


def _run_pass(runtime: Runtime, notification_id: str, send_event: Send, *, is_submitted: bool = False) -> str:
    """A pass, and those that follow it; a submission is acknowledged, and has its end, after all of them."""
    rows = RowEvents(send_event)
    rows.running(notification_id)
    went_well: dict[str, str] = {}

    def end(each: str, became: PassResult | Exception) -> None:
        if each == notification_id and isinstance(became, PassResult) and became.state in _GONE_WELL:
            went_well[each] = became.state
        _tell_end(runtime, rows, each, became)

    try:
        result = deliver_one(
            runtime.deliverer,
            notification_id,
            begin=rows.begun,
            end=end,
            call=runtime.call_next,
            stopping=runtime.stopping.is_set,
            room=runtime.room,
            for_long=not is_submitted,
        )
    except redis.RedisError as error:
        # The ledger rings again: the record's score in the due-set stands.
        raise _ledger_away(error) from None
    if result is None and is_submitted and notification_id in went_well:
        # Whoever linked something to the submission has that begun.
        return went_well[notification_id]
    if result is None:
        # Its row told how it ended as soon as it did; this slot went on with others.
        raise Ignore
    return _shown(runtime, notification_id, result)


def _run_batch(parts: Runtime, ids: Sequence[str], send_event: Send, request: Context) -> str:
    rows = RowEvents(send_event)

    def end(notification_id: str, result: PassResult | Exception) -> None:
        _tell_end(parts, rows, notification_id, result)

    wanted = [each for each in ids if not _is_cancelled(parts, rows, each)]
    queue = request.delivery_info["routing_key"]
    not_begun = deliver_all(
        parts.deliverer,
        wanted,
        begin=rows.begun,
        end=end,
        # To other slots, or to other workers.
        put_back=lambda left: parts.ring_together(left, broker.LANE_OF_QUEUE[queue]),
        call=parts.call_next,
        stopping=parts.stopping.is_set,
        room=parts.room,
        strands=parts.strands,
        patience_seconds=0.0 if queue == broker.QUEUE_OF_LANE["high"] else PATIENCE_SECONDS,
    )
    return f"{len(wanted) - not_begun} of {len(wanted)}"


def _is_cancelled(parts: Runtime, rows: RowEvents, notification_id: str) -> bool:
    """Cancel what was revoked before it was published, as a worker discards the message of such a task."""
    if notification_id not in worker_state.revoked:
        return False
    try:
        parts.ledger.cancel(notification_id, by="revoke")
    except redis.RedisError:
        return False
    try:
        rows.revoked(notification_id)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is cancelled, and the others are to go
        _log.warning(
            "revoked_not_told", notification=fit_for_logs(notification_id), error=type(error).__name__
        )
    return True


def _tell_end(parts: Runtime, rows: RowEvents, notification_id: str, result: PassResult | Exception) -> None:
    """What a task of its own would have shown of it."""
    try:
        with _without_words(notification_id):
            words = _outcome(parts, notification_id, result)
    except Ignore:
        return
    except Postponed as postponed:
        rows.postponed(notification_id, postponed.exc)
    except (NotificationFailed, PassCrashed) as failed:
        rows.failed(notification_id, failed)
    else:
        rows.succeeded(notification_id, words)


def _outcome(parts: Runtime, notification_id: str, result: PassResult | Exception) -> str:
    if isinstance(result, redis.RedisError):
        raise _ledger_away(result)
    if isinstance(result, Exception):
        raise result
    return _shown(parts, notification_id, result)


def _shown(runtime: Runtime, notification_id: str, result: PassResult) -> str:
    """The task's end that tells the truth in Flower."""
    if result.state == "unknown":
        raise NotificationFailed("unknown: the ledger has no such notification (any more)")
    if result.state in _GONE_WELL:
        return result.state
    if not result.ran and result.state == "sending":
        raise Ignore  # another worker is at it, and its row tells
    words = _words(runtime, notification_id, result)
    if result.state in FINAL_STATES:
        raise NotificationFailed(words)
    raise _postponed(words, result.wait_seconds)


def _words(runtime: Runtime, notification_id: str, result: PassResult) -> str:
    """What the ledger says of it, where that still fits the result."""
    with contextlib.suppress(redis.RedisError):
        record = aside(lambda: runtime.queries.get(notification_id))
        if record is not None and record.state == result.state:
            return told(record)
    return f"{result.state}: {result.reason}" if result.reason else result.state


def _ledger_away(error: redis.RedisError) -> Postponed:
    return _postponed(f"the ledger did not answer ({type(error).__name__})", 0.0)


def _postponed(words: str, wait_seconds: float) -> Postponed:
    """RETRY in Flower, without a message in the broker: the ledger's due-set rings."""
    when = datetime.now(tz=UTC) + timedelta(seconds=wait_seconds) if wait_seconds else None
    return Postponed(words, exc=NotificationPostponed(words), when=when)
