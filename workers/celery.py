"""The Celery app, where `celery -A workers worker` looks for it; with no option it serves every queue."""

from __future__ import annotations

import os
import sys

from celery import Celery

from settings_store import environment, keyring
from settings_store.errors import KeyringUnusable
from settings_store.redis_tls import tls_options
from tasks import broker, celery_tasks
from tasks.rabbitmq_transport import is_rabbitmq
from tasks.runtime import Runtime, RuntimePerProcess
from tasks.stop_sign import StopSign
from tasks.tracing import beginning as tracing_beginning
from workers import (
    lean_tracebacks,
    metrics,
    notice_step,
    own_logs,
    parting,
    quiet_logs,
    remote_control,
    results,
    status_command,
    steps,
    thread_pool,
)
from workers.event_outlet import EventOutlet, step_for
from workers.metrics import MetricsStep
from workers.metrics_address import MetricsAddress, metrics_address
from workers.notice_step import NoticeStep
from workers.pool_choice import pool_choice
from workers.shared_counts import share_counts
from workers.steps import SweepStep
from workers.watched_events import WatchedEvents

#: A thread that comes back from the network waits no longer than that for the others, in seconds. With
#: Python's own 5 ms the loop that fetches messages starves among 16 threads: 270 deliveries a second, one by
#: one, and 308 with a tenth of it. But at that all who wait ask so often that an eighth of the processor time
#: goes into it; 2 ms serve both.
SWITCH_SECONDS = 0.002

sys.setswitchinterval(SWITCH_SECONDS)
tracing_beginning.begin("notify-worker")
broker.install_transports()
quiet_logs.install()
lean_tracebacks.install()
remote_control.limit()
thread_pool.install()


def _load_environment() -> tuple[environment.Environment, MetricsAddress | None]:
    """What this process was given; one sentence and the end where that cannot be used."""
    try:
        loaded = environment.load()
        keyring.load(loaded.key_files)
        address = metrics_address(os.environ)
    except environment.InvalidEnvironment as fault:
        sys.exit(f"error: {fault}")
    except KeyringUnusable as fault:
        sys.exit(f"error: NOTIFY_KEY_FILE: {fault}")
    return loaded, address


_environment, _metrics_address = _load_environment()

app = Celery(
    "notify",
    broker=broker.address(_environment.broker_url),
    events=WatchedEvents,
    set_as_current=False,
)
app.conf.update(
    # JSON alone: a message can then do nothing but say what it says.
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    event_serializer="json",
    result_backend=results.backend_url(_environment.redis_url),
    result_backend_transport_options=results.backend_options(_environment.redis_url),
    redis_backend_use_ssl=results.backend_tls(_environment.redis_url),
    result_expires=3600,
    result_extended=False,
    task_queues=broker.queues(),
    task_default_queue=broker.QUEUE_OF_LANE["normal"],
    task_create_missing_queues=False,
    task_acks_late=False,
    # Threads stop cleanly in a moment and share their connections; see docs/adr.
    worker_pool=pool_choice(sys.argv),
    worker_concurrency=16,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_send_task_events=True,
    task_send_sent_event=False,
    task_track_started=True,
    worker_hijack_root_logger=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_channel_error_retry=True,
    broker_connection_timeout=5,
    # After a lost connection Celery would have less pushed for a while; to RabbitMQ that is for good: there a
    # consumer keeps the window that it began with.
    worker_enable_prefetch_count_reduction=not is_rabbitmq(_environment.broker_url),
    # Of RabbitMQ alone; a broker that went away without a word is missed within a minute.
    broker_heartbeat=30,
    # Flower asks for the length of queues by a client of its own, which reads no word of TLS in a URL.
    broker_use_ssl=tls_options(_environment.broker_url) or None,
    broker_transport_options=broker.transport_options(
        _environment.prefix,
        url=_environment.broker_url,
        apart="flower" if "flower" in sys.argv else "",
    ),
)

share_counts(sys.argv, os.environ)
_tally = metrics.new_tally()
#: Made before a pool forks, so that its children see it too.
_stopping = StopSign()
runtime = RuntimePerProcess(lambda: Runtime(_environment, tally=_tally, stopping=_stopping))
outlet = EventOutlet(app)
celery_tasks.register(app, runtime, outlet.send)
steps.provide(runtime)
status_command.provide(runtime)
notice_step.provide(runtime)
metrics.provide(runtime, _metrics_address)
parting.part_at_the_end(runtime)
own_logs.begin_with_the_process(runtime, _environment.log_file, sys.argv)
app.steps["consumer"].add(step_for(outlet))
app.steps["worker"].add(SweepStep)
app.steps["worker"].add(NoticeStep)
app.steps["worker"].add(MetricsStep)
