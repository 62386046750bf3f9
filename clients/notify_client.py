"""Send notifications from any Celery app, with nothing of the notifier installed: copy this one file.

It needs celery[redis] alone. The broker is that of `NOTIFY_BROKER_URL` or `NOTIFY_REDIS_URL`, or of your app:
Redis, one behind Sentinels (`sentinel://HOST,HOST/0?service=NAME`), or RabbitMQ (`amqp://`), whose queues it
declares as the notifier does. Over TLS (`rediss://`, `sentinels://`, `amqps://`) its certificate is verified,
against the authorities in `NOTIFY_REDIS_CA_FILE` if set:

    import notify_client

    notify_client.send("email", ["ops@example.com"], "Payroll ended with 8", subject="Job failed")
    sent = notify_client.send("text", "4915112345@sms.example", "Job failed", wait_seconds=10)
    print(sent.id, sent.number)

Without `wait_seconds` it returns once the broker has the message. A worker then accepts the notification, or
refuses it where only its log and Flower tell. With `wait_seconds` it returns once it is accepted. Two calls
are two notifications, unless both give the same `id` or `key`. Errors are one tree:

    NotifyError
    ├── InvalidNotification (ValueError)   refused here or by the worker; field, fault and what is allowed
    ├── BrokerUnavailable                  the broker did not take it; nothing was sent
    └── NoAnswer                           the broker took it, no worker answered in time; it may be accepted
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import ssl
import uuid
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from celery import Celery
from celery.exceptions import TimeoutError as CeleryTimeoutError
from kombu import Queue
from kombu.exceptions import OperationalError

TASK = "notify.submit"
DOCUMENT_MAX_BYTES = 16 * 1024 * 1024

_FIELDS = frozenset(
    {
        *("id", "key", "cc", "bcc", "reply_to", "subject", "html", "long_text", "attachments", "strict"),
        *("priority", "not_before", "expires", "context", "properties", "exclude_prefix", "escalate_text_to"),
    }
)
_ID = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_ADDRESSES = ("to", "cc", "bcc", "reply_to", "escalate_text_to")
# RabbitMQ refuses whoever declares the notifier's queues as anything else; Redis does not look at it.
_QUEUE_ARGUMENTS = {"x-queue-type": "quorum"}
# Enough for a broker that restarts; one that stays away is the caller's to decide on.
_RETRY_POLICY = {"max_retries": 5, "interval_start": 0.1, "interval_step": 0.3, "interval_max": 1.0}


class NotifyError(Exception):
    """Base of what this module raises."""


class InvalidNotification(NotifyError, ValueError):
    """The notification is not allowed; nothing of it is quoted."""


class BrokerUnavailable(NotifyError):
    """The broker cannot be reached or takes nothing; nothing was sent."""


class NoAnswer(NotifyError):
    """No worker said within the time whether it is accepted. Sending it again under the same id is harmless.

    Attributes:
        id: The notification's id.
    """

    def __init__(self, notification_id: str, wait_seconds: float) -> None:
        super().__init__(f"no worker answered within {wait_seconds:g} s; it may be accepted still")
        self.id = notification_id


@dataclass(frozen=True)
class Sent:
    """What is known of a notification that was handed over.

    Attributes:
        id: Names it everywhere; where a `key` was used before, the worker's answer has the first one's.
        number: The running number that stands first in every message; None where nobody waited for it.
    """

    id: str
    number: int | None = None


def send(
    channel: str,
    to: str | Iterable[str],
    message: str,
    *,
    wait_seconds: float | None = None,
    app: Celery | None = None,
    **fields: Any,
) -> Sent:
    """Hand a notification to the notifier's workers.

    Args:
        channel: "email" or "text".
        to: Addresses, as a list or as one string parted by ;
        message: The text.
        wait_seconds: How long to wait for the answer that it is accepted; None does not wait.
        app: Your Celery app, where its broker is the notifier's; with `wait_seconds` its result backend too.
        fields: Other fields of the notification, such as `subject`, `priority`, `expires` or `key`. Times may
            be `datetime` with an offset, attachments `(name, bytes)`.

    Raises:
        NotifyError: See the tree above.
    """
    document = _document(channel, to, message, fields)
    notification_id = str(document.get("id") or uuid.uuid4())
    # The same where a caller repeats it: the task's id is the notification's, and the ledger takes it once.
    document["id"] = notification_id
    sender = app or _own_app()
    if wait_seconds is not None and not sender.conf.result_backend:
        raise InvalidNotification("wait_seconds needs a result backend: the Redis of the notifier's ledger")
    queue = _queue(document)
    try:
        result = sender.send_task(
            TASK,
            kwargs={"notification": document},
            task_id=notification_id,
            queue=Queue(queue, routing_key=queue, queue_arguments=_QUEUE_ARGUMENTS),
            serializer="json",
            ignore_result=wait_seconds is None,
            # What an app tells Flower of tasks that it sends holds neither address nor text.
            argsrepr="()",
            kwargsrepr="{}",
            retry=True,
            retry_policy=_RETRY_POLICY,
        )
    except (OperationalError, *sender.connection_for_write().channel_errors) as error:
        raise BrokerUnavailable(f"the broker does not take it ({type(error).__name__})") from None
    if wait_seconds is None:
        return Sent(notification_id)
    return _answer(result, notification_id, wait_seconds)


def _own_app() -> Celery:
    ledger_url = os.environ.get("NOTIFY_REDIS_URL", "")
    broker_url = os.environ.get("NOTIFY_BROKER_URL") or ledger_url
    if not broker_url:
        raise BrokerUnavailable("neither NOTIFY_BROKER_URL nor NOTIFY_REDIS_URL is set, and no app was given")
    prefix = os.environ.get("NOTIFY_PREFIX") or "notify"
    return _app(broker_url, ledger_url, prefix, os.environ.get("NOTIFY_REDIS_CA_FILE", ""))


@functools.lru_cache(maxsize=8)
def _app(broker_url: str, ledger_url: str, prefix: str, authorities: str) -> Celery:
    broker, sentinels = _address(broker_url, authorities)
    results, ledger_sentinels = _address(ledger_url, authorities)
    app = Celery("notify_client", broker=broker, set_as_current=False)
    options: dict[str, Any] = {"socket_connect_timeout": 5, "socket_timeout": 10, "confirm_publish": True}
    if prefix != "notify":
        options["global_keyprefix"] = f"{prefix}:"
    trusted = {"ca_certs": authorities} if authorities else {}
    if broker_url.startswith("amqps://"):
        app.conf.broker_use_ssl = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None, **trusted}
    if ledger_url.startswith("sentinels://"):
        app.conf.redis_backend_use_ssl = _tls_words(authorities)
    app.conf.update(
        broker_transport_options={**options, **sentinels},
        result_backend=results or None,
        result_backend_transport_options=ledger_sentinels,
        accept_content=["json"],
    )
    return app


def _address(url: str, authorities: str) -> tuple[str, dict[str, Any]]:
    """The URL as Celery wants it, over TLS with the words that have it verified; options for Sentinels."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"sentinel", "sentinels"}:
        if scheme != "rediss" or "ssl_cert_reqs=" in url:
            return url, {}
        return f"{url}{'&' if '?' in url else '?'}{urlencode(_tls_words(authorities))}", {}
    place, _, query = rest.partition("?")
    hosts, _, database = place.partition("/")
    user, at, hosts = hosts.rpartition("@")
    words = dict(parse_qsl(query))
    tls = _tls_words(authorities) if scheme == "sentinels" else {}
    more = f"?{urlencode(tls)}" if tls else ""
    named = [host if re.search(r":\d+$", host) else f"{host}:26379" for host in hosts.split(",")]
    asked: dict[str, Any] = {"socket_connect_timeout": 1, "socket_timeout": 2, "ssl": bool(tls), **tls}
    for word in ("username", "password"):
        if f"sentinel_{word}" in words:
            asked[word] = words[f"sentinel_{word}"]
    return ";".join(f"sentinel://{user}{at}{host}/{database or 0}{more}" for host in named), {
        "master_name": words.get("service", ""),
        "sentinel_kwargs": asked,
    }


def _tls_words(authorities: str) -> dict[str, str]:
    return {"ssl_cert_reqs": "required", **({"ssl_ca_certs": authorities} if authorities else {})}


def _answer(result: Any, notification_id: str, wait_seconds: float) -> Sent:
    refusal = ""
    try:
        answer = result.get(timeout=wait_seconds, interval=0.05)
    except CeleryTimeoutError:
        answer = None
    except Exception as error:
        if type(error).__name__ != "NotificationRefused":
            raise
        refusal = str(error)
    if refusal:  # raised out here, without the worker's own error behind it
        raise InvalidNotification(refusal)
    if answer is None:
        raise NoAnswer(notification_id, wait_seconds)
    return Sent(answer["id"], answer["number"])


def _document(
    channel: str, to: str | Iterable[str], message: object, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """The notification, checked for what is wrong at a glance; the worker checks the rest."""
    _check(channel, message, fields)
    given = {name: value for name, value in fields.items() if value is not None}
    document: dict[str, Any] = {"version": 1, "channel": channel, "message": message, **given}
    for name in ("not_before", "expires"):
        if name in given:
            document[name] = _time(name, given[name])
    for name, value in {"to": to, **given}.items():
        if name in _ADDRESSES:
            document[name] = _addresses(name, value)
    if not document["to"]:
        raise InvalidNotification("to is empty; allowed: at least one address")
    if "attachments" in given:
        listed = _listed("attachments", given["attachments"])
        document["attachments"] = [_attachment(place, each) for place, each in enumerate(listed)]
    _refuse_unsendable(document)
    return document


def _check(channel: str, message: object, fields: Mapping[str, Any]) -> None:
    if channel not in ("email", "text"):
        raise InvalidNotification('channel is not known; allowed: "email" or "text"')
    unknown = sorted(set(fields) - _FIELDS)
    if unknown:
        raise InvalidNotification(f"{unknown[0]} is unknown; allowed: {', '.join(sorted(_FIELDS))}")
    if not isinstance(message, str) or (channel == "text" and not message.strip()):
        raise InvalidNotification("message is no text, or blank; allowed: text, in texts not blank")
    if fields.get("priority") not in (None, "high", "normal", "low"):
        raise InvalidNotification('priority is not known; allowed: "high", "normal" or "low"')
    if fields.get("id") is not None and not _ID.fullmatch(str(fields["id"])):
        raise InvalidNotification("id is not allowed; allowed: 1 to 64 of A-Z a-z 0-9 . _ -")


def _addresses(name: str, value: str | Iterable[str]) -> list[str]:
    parts = value.split(";") if isinstance(value, str) else _listed(name, value)
    found = []
    for place, part in enumerate(parts):
        if not isinstance(part, str):
            raise InvalidNotification(f"{name}[{place}] is no text; allowed: name@domain")
        address = part.strip()
        if not address and isinstance(value, str):
            continue
        if address.count("@") < 1 or not all(address.rpartition("@")[::2]) or not address.isprintable():
            raise InvalidNotification(f"{name}[{place}] is no address; allowed: name@domain")
        found.append(address)
    return found


def _listed(name: str, value: object) -> list[object]:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return list(value)
    raise InvalidNotification(f"{name} is no list; allowed: a list")


def _time(name: str, value: object) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidNotification(f"{name} has no offset from UTC; allowed: a time with its time zone")
        return value.isoformat()
    if not isinstance(value, str):
        raise InvalidNotification(f"{name} is no time; allowed: a datetime, or RFC 3339 text")
    return value


def _attachment(place: int, given: object) -> object:
    match given:
        case (str(name), bytes(content)):
            return {"name": name, "content_base64": b64encode(content).decode()}
        case Mapping():
            return given
    raise InvalidNotification(f"attachments[{place}] is none; allowed: (name, bytes), or a mapping")


def _queue(document: Mapping[str, Any]) -> str:
    """The queue of the notification's lane: without a queue nobody of the notifier's would look at it."""
    attached = document.get("attachments", ())
    if any(isinstance(each, Mapping) and "content_base64" not in each for each in attached):
        return "notify.files"
    return f"notify.{document.get('priority', 'normal')}"


def _refuse_unsendable(document: Mapping[str, Any]) -> None:
    size = None
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        size = len(json.dumps(document).encode())
    if size is None:
        raise InvalidNotification(
            "notification holds what JSON cannot; allowed: text, numbers, lists, mappings"
        )
    if size > DOCUMENT_MAX_BYTES:
        raise InvalidNotification(f"notification is too long; allowed: {DOCUMENT_MAX_BYTES:,} bytes")
