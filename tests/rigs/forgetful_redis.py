"""A client of a real Redis that loses replies: what was asked was done, and nobody hears so."""

from __future__ import annotations

import redis

from settings_store.redis_client import connect


class ForgetfulConnection(redis.Connection):
    """A real connection that loses the reply of one script after Redis has run it."""

    losses_left = 0
    _awaits_script = False

    def send_packed_command(self, command: object, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - the client's own signature
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]
        # Only now: a connection that was lost is opened again by the call above, with commands of its own.
        self._awaits_script = b"EVALSHA" in b"".join(command if isinstance(command, list) else [])

    def read_response(self, *args: object, **kwargs: object) -> object:
        reply = super().read_response(*args, **kwargs)
        if self._awaits_script and type(self).losses_left:
            type(self).losses_left -= 1
            self.disconnect()  # type: ignore[no-untyped-call]
            raise redis.ConnectionError("the reply was lost")
        return reply


def another_client(like: redis.Redis) -> redis.Redis:
    """A client of the same server."""
    where = like.connection_pool.connection_kwargs
    return connect(f"redis://{where['host']}:{where['port']}/0")


def forgetful_client(like: redis.Redis) -> redis.Redis:
    """A client of the same server that loses as many replies as `ForgetfulConnection.losses_left` says."""
    where = like.connection_pool.connection_kwargs
    client = another_client(like)
    kwargs = {**client.connection_pool.connection_kwargs, "host": where["host"], "port": where["port"]}
    client.connection_pool = redis.ConnectionPool(connection_class=ForgetfulConnection, **kwargs)
    return client
