"""A wrong password is tried once by one worker, not by all of them until the account is locked."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import redis

from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.unc import status
from tasks.attachments.unc.account import PASSWORD, Account
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.sign_in_timing import LUA_CONSTANTS
from tasks.attachments.unc.status import SignInRefused
from tasks.lua_scripts import REDIS_CLOCK

#: Between two questions whether another worker is done signing in.
ASK_AGAIN_SECONDS: Final = 0.1

_FOLDER: Final = Path(__file__).parent / "lua"


class SignInGuard:
    """Put round every sign-in. One object a process; safe between threads.

    Args:
        client: From `settings_store.redis_client.connect`.
        prefix: First part of every key.
        clock: Lua text that defines `now_ms()`; tests move time by it.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        prefix: str = "notify",
        clock: str = REDIS_CLOCK,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redis = client
        self._prefix = prefix
        self._pause = pause
        prelude = (_FOLDER / "prelude.lua").read_text(encoding="utf-8")
        self._ask, self._tell, self._forget = (
            client.register_script(
                "\n".join(
                    [LUA_CONSTANTS, prelude, clock, (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")]
                )
            )
            for name in ("ask_sign_in", "tell_sign_in", "forget_refusals")
        )

    @contextlib.contextmanager
    def __call__(
        self, account: Account, host: str, budget: Budget, *, option: str = PASSWORD
    ) -> Iterator[None]:
        """Sign in inside; where another worker is at it, wait for how that ends.

        Args:
            account: Who signs in.
            host: Where.
            budget: How long another worker is waited for.
            option: The option that has the password, for the words of a refusal.

        Raises:
            AttachmentFault: The account was refused lately, or the other one took too long.
            redis.RedisError: Redis did not answer; nothing was tried.
        """
        token = secrets.token_hex(12)
        arguments = (self._prefix, _hashed(account.user.lower(), account.seal), _hashed(host), token)
        self._await(arguments, budget, option)
        try:
            yield
        except SignInRefused as refused:
            self._tell(args=[*arguments, "refused", refused.words])
            raise
        except BaseException:
            # Without an answer the lease runs out by itself.
            with contextlib.suppress(redis.RedisError):
                self._tell(args=[*arguments, "unknown", ""])
            raise
        with contextlib.suppress(redis.RedisError):
            self._tell(args=[*arguments, "good", ""])

    def forget(self) -> int:
        """Let refused accounts be tried at once; how many there were of account and host."""
        return int(self._forget(args=[self._prefix]))

    def _await(self, arguments: tuple[str, ...], budget: Budget, option: str) -> None:
        with budget.spending():
            while True:
                now_ms, answer, until_ms, since_ms, words = self._ask(args=list(arguments))
                if answer == "yes":
                    return
                if answer == "refused":
                    raise _refusal(now_ms, until_ms, since_ms, str(words), option)
                if budget.left_seconds <= 0:
                    raise status.late()
                self._pause(min(ASK_AGAIN_SECONDS, budget.left_seconds))


def _refusal(now_ms: int, until_ms: int, since_ms: int, words: str, option: str) -> AttachmentFault:
    minutes = (now_ms - since_ms) // 60_000
    ago = f"{minutes} min ago" if minutes else "just now"
    until = datetime.fromtimestamp(until_ms / 1000, UTC)
    return AttachmentFault(
        Fault.DENIED,
        f"the account was refused {ago} ({words}) and is not tried before {until:%H:%M} UTC, so that it is "
        f"not locked out; a new {option}, or notify share retry, tries it at once",
    )


def _hashed(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]
