"""One notification from a command into the ledger, and each way in which that fails, in words."""

from __future__ import annotations

import logging

import redis

from console.cli.errors import BadInput, Failed
from console.cli.faults import redis_fault
from console.cli.output import warn
from settings_store.environment import Environment
from settings_store.store import SettingsStore
from tasks.bells import Bells
from tasks.ledger import Ledger, LedgerUnavailable
from tasks.notification import Notification
from tasks.publisher import ExpiredAlready, Published, Publisher, PublishError
from tasks.tracing import beginning


class AlreadyAccepted(Failed):
    """The id or key stands for another notification, which was accepted before."""


def publish(found: Environment, connected: redis.Redis, notification: Notification) -> Published:
    """Accept a notification that has an id of its own, and ring for it.

    Raises:
        BadInput: It expired already.
        AlreadyAccepted: Its id or key stands for other content.
        Failed: Redis is full, or went away in the middle.
    """
    store = SettingsStore(connected, prefix=found.prefix)
    ledger = Ledger(connected, prefix=found.prefix, revision_key=store.revision_key)
    logging.getLogger("tasks").addHandler(_BELLS)
    beginning.begin("notify-cli")
    bells = Bells(found.broker_url, prefix=found.prefix)
    try:
        return Publisher(store, ledger, bells, one_redis=found.one_redis).publish(notification)
    except ExpiredAlready as error:
        raise BadInput(str(error), "--expires 2h, or a later time") from None
    except PublishError as error:
        raise AlreadyAccepted(str(error), "`notify message show` with that id shows the first one") from None
    except LedgerUnavailable as error:
        raise Failed(str(error), "`redis-cli INFO memory` shows how full it is") from None
    except redis.RedisError as error:
        raise Failed(
            f"{redis_fault(error).message}; whether the notification was accepted is unknown",
            f"send it again with --id {notification.id}: it is never accepted twice",
        ) from None
    finally:
        bells.close()


class _BellHandler(logging.Handler):
    """Says what a broker that is away means; everything else that is logged stays out of a person's sight."""

    def emit(self, record: logging.LogRecord) -> None:
        """Warn once it is accepted but no worker could be told."""
        if record.getMessage().startswith(("broker_not_reached", "bell_not_rung")):
            warn("the broker does not answer; a worker finds the notification in the ledger by itself")


#: Added to the same logger twice, a handler is there once.
_BELLS = _BellHandler()
