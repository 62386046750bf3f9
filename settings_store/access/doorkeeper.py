"""How somebody proves who they are, and whether they may: by password, by token, while a session lasts."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import timedelta
from typing import Final

from settings_store.access import password
from settings_store.access.access import Access
from settings_store.access.book import Account, Book
from settings_store.access.errors import NotPermitted, SignInLocked, SignInRefused, UnknownName
from settings_store.access.kept_book import Told
from settings_store.access.privilege import Principal, Privilege, may
from settings_store.access.token_text import parse

#: A token's last use is kept to this, so that a busy program does not write with every request.
USED_EXACT_TO: Final = timedelta(minutes=1)
#: What floods is written into the audit once in so long.
_TOLD_EVERY_SECONDS: Final = 60
_UNKNOWN: Final = "unknown"


class Doorkeeper:
    """Lets people and programs in; sign-ins and refusals are written into the audit.

    Every method raises `redis.RedisError` where Redis does not answer: nobody is let in then.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._kept = access.kept
        self._audit = access.audit
        self._tries = access.tries

    def sign_in(self, name: str, given: str, *, source: str) -> Principal:
        """Somebody who gave the right password.

        An unknown name, a wrong password and a disabled account are refused alike, and after as long.
        It takes about 50 ms and 64 MiB; the fifth at once waits.

        Args:
            name: The account; capitals and blanks around it do not count.
            given: The password.
            source: From where, `web 10.1.2.3`; tries are counted for it as well.

        Raises:
            SignInLocked: Too many tries of this account or from this source.
            SignInRefused: The name or password is not valid.
        """
        name = name.strip().lower()
        wait_seconds = self._tries.take(name, source)
        known = self._kept.read()[0].accounts.get(name)
        if wait_seconds:
            self._refuse(known, "locked", source)
            raise SignInLocked(wait_seconds)
        good = password.matches(known.password if known else "", given)
        if known is None or not good or known.disabled:
            self._refuse(known, "disabled" if good else "password", source)
            raise SignInRefused
        self._tries.succeeded(name, source)
        self._renew_hash(known, given, source)
        book, now = self._kept.read()
        self._kept.use(f"account:{known.name}", now)
        self._audit.record(known.name, "account.sign_in", known.name, source=source)
        return book.principal(known)

    def still(self, principal: Principal) -> Principal | None:
        """The account of a session with what it may do now; None where the session is over.

        It is over when the account is gone or disabled, or has another password.
        """
        book, _ = self._kept.read()
        account = book.accounts.get(principal.name)
        if account is None or account.disabled or account.credential != principal.credential:
            return None
        return book.principal(account)

    def by_token(self, text: str, *, source: str) -> Principal:
        """Whom a token stands for.

        Raises:
            SignInRefused: It is no token of ours, it was revoked, or it is over.
        """
        parts = parse(text)
        book, now = self._kept.read()
        token = book.tokens.get(parts.id) if parts else None
        if token is not None and parts is not None and hmac.compare_digest(token.digest, parts.digest):
            bearer = book.bearer(token, now)
            if bearer is not None:
                self._kept.use(f"token:{token.id}", now, exact_to=USED_EXACT_TO)
                return bearer
            self._tell_refusal(f"token:{token.name}", "token.sign_in", token.name, "is over", source)
        else:
            self._tell_refusal(_UNKNOWN, "token.sign_in", "", "unknown token", source)
        raise SignInRefused("the token")

    def demand(
        self, principal: Principal, privilege: Privilege, action: str, target: str = "", *, source: str
    ) -> None:
        """Go on only if somebody may; a refusal is written into the audit under the action they asked for.

        Raises:
            NotPermitted: They may not.
        """
        if not may(principal, privilege):
            self._tell_refusal(principal.name, action, target, f"needs {privilege.label}", source)
            raise NotPermitted(principal.name, privilege.label)

    def _refuse(self, known: Account | None, reason: str, source: str) -> None:
        """Write a refused sign-in down, without the name where it is no account: it may be a password."""
        actor = known.name if known else _UNKNOWN
        if reason == "locked":
            self._tell_refusal(actor, "account.sign_in", actor, reason, source)
        else:
            detail = {"reason": reason if known else "unknown account"}
            self._audit.record(
                actor, "account.sign_in", actor, outcome="refused", detail=detail, source=source
            )

    def _tell_refusal(self, actor: str, action: str, target: str, reason: str, source: str) -> None:
        """Write down what may flood: once a minute for each of its kind."""
        if self._tries.first_within(f"{actor} {action} {target} {reason} {source}", _TOLD_EVERY_SECONDS):
            detail = {"reason": reason}
            self._audit.record(actor, action, target, outcome="refused", detail=detail, source=source)

    def _renew_hash(self, account: Account, given: str, source: str) -> None:
        """Keep the password in today's form, where it was kept in a weaker one."""
        if not password.is_outdated(account.password):
            return
        hash_ = password.rehashed(given)

        def edit(book: Book) -> Book:
            now = book.account(account.name)
            same = now.credential == account.credential
            return book.with_account(replace(now, password=hash_)) if same else book

        told = Told(account.name, source, "account.renew_hash", account.name)
        try:
            self._kept.change(lambda book, _: edit(book), told)
        except UnknownName:
            return  # removed in this very moment
