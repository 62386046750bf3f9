"""Job output by the REST API of OpCon: an action is posted, and looked at until it has its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec

from settings_store.snapshot import Snapshot
from tasks.attachments.job_output.opcon_http import ApiRefusal, Http, decoded, short
from tasks.attachments.job_output.opcon_settings import PASSWORD, OpConSettings
from tasks.attachments.job_output.opcon_tokens import SIGN_IN_WAIT_SECONDS, Tokens
from tasks.attachments.job_output.provider import (
    ActionGone,
    JobOutputProvider,
    Listed,
    Output,
    SchedulerFault,
    StillWorking,
)
from tasks.attachments.source import AttachmentFault, Fault
from tasks.attachments.steps import UNWATCHED, Step, Steps
from tasks.attachments.unc.budget import Budget
from tasks.attachments.unc.sign_in_guard import SignInGuard
from tasks.attachments.unc.status import SignInRefused

_ACTIONS: Final = "/jobinstanceactions"
_SUCCESS: Final = "success"
_FAILED: Final = frozenset({"failed", "failure", "error"})
_COME_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

_OF_ONE_JOB: Final[Mapping[int, tuple[Fault, str]]] = {
    HTTPStatus.FORBIDDEN: (Fault.DENIED, "the scheduler's user may not see it"),
    HTTPStatus.NOT_FOUND: (Fault.MISSING, "the scheduler does not know the job"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (Fault.TOO_LARGE, "it is larger than agents give"),
}


class _Item(msgspec.Struct):
    """What became of the action for one job."""

    result: str | None = None
    message: str | None = None
    files: list[str] | None = None
    data: str | None = None


class _Action(msgspec.Struct, rename="camel"):
    """An action as the API shows it."""

    id: int | str
    result: str | None = None
    message: str | None = None
    job_instance_action_items: list[_Item] = []


class _Token(msgspec.Struct):
    """The answer to a sign-in."""

    id: str


class OpConApi:
    """One look at one scheduler.

    Args:
        settings: Where it is and who signs in.
        tokens: Keeps the token between looks.
        guard: Decides for all workers whether the user may be tried.
        seconds: How long the look may take.
        clock: Seconds that only grow.
        steps: Told of each sign-in.
    """

    def __init__(
        self,
        settings: OpConSettings,
        tokens: Tokens,
        guard: SignInGuard,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        steps: Steps = UNWATCHED,
    ) -> None:
        self._settings = settings
        self._steps = steps
        self._tokens = tokens
        self._guard = guard
        self._http = Http(settings, seconds, clock)

    def close(self) -> None:
        """Close the connection; the token is kept for the next look."""
        self._http.close()

    def ask_for_list(self, job_number: int) -> str:
        """Ask which outputs the job has."""
        return self._post({"action": "LIST", "jobInstanceActionItems": [{"id": job_number}]})

    def ask_for_output(self, job_number: int, path: str) -> str:
        """Ask for one of them."""
        item = {"id": job_number, "jorsRequestParameters": path}
        return self._post({"action": "FILE", "jobInstanceActionItems": [item]})

    def look_at_list(self, action: str) -> StillWorking | Listed:
        """What the scheduler listed."""
        item = self._look(action)
        return StillWorking() if item is None else Listed(tuple(item.files or ()))

    def look_at_output(self, action: str) -> StillWorking | Output:
        """What the scheduler brought."""
        item = self._look(action)
        return StillWorking() if item is None else Output(item.data or "")

    def _post(self, body: object) -> str:
        try:
            content = self._ask("POST", _ACTIONS, body)
        except ApiRefusal as refusal:
            fault = _fault(refusal)
        else:
            action: _Action = decoded(content, _Action)
            return str(action.id)
        raise fault

    def _look(self, action: str) -> _Item | None:
        """What became of an action's one job; None = nothing yet."""
        try:
            content = self._ask("GET", f"{_ACTIONS}/{quote(action, safe='')}")
        except ApiRefusal as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                raise ActionGone from None
            fault = _fault(refusal)
        else:
            return _settled(decoded(content, _Action))
        raise fault

    def _ask(self, method: str, path: str, body: object = None) -> bytes:
        """Ask with the token, and once more with a new one where the scheduler takes the old one no more."""
        settings = self._settings
        if settings.token is not None:
            return self._http.ask(method, path, token=settings.token(), body=body)
        token = self._tokens.get(settings, self._sign_in)
        try:
            return self._http.ask(method, path, token=token, body=body)
        except ApiRefusal as refusal:
            if refusal.status != HTTPStatus.UNAUTHORIZED:
                raise
        token = self._tokens.get(settings, self._sign_in, instead_of=token)
        return self._http.ask(method, path, token=token, body=body)

    def _sign_in(self) -> str:
        settings = self._settings
        with self._steps.step(Step.TOKEN, settings.address):
            if not settings.user:
                words = (
                    "nobody is named who signs in to the scheduler (options jors.api_user, jors.api_token)"
                )
                raise SchedulerFault(Fault.DENIED, words)
            budget = Budget(SIGN_IN_WAIT_SECONDS)
            try:
                with self._guard(settings.signs_in, settings.address, budget, option=PASSWORD):
                    return self._signed_in()
            except SchedulerFault:
                raise
            except AttachmentFault as fault:
                refused = _of_all(fault)
            raise refused

    def _signed_in(self) -> str:
        user = {"loginName": self._settings.user, "password": self._settings.password()}
        fault: AttachmentFault
        try:
            content = self._http.ask("POST", "/tokens", body={"user": user, "tokenType": {"type": "User"}})
        except ApiRefusal as refusal:
            if refusal.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                words = "the scheduler refuses the sign-in, by jors.api_user and jors.api_password"
                fault = SignInRefused(words)
            else:
                fault = _of_all(_fault(refusal))
        else:
            token: _Token = decoded(content, _Token)
            return token.id
        raise fault


class OpConConnector:
    """Connects to the scheduler that the options name; one a process.

    Args:
        guard: Decides for all workers whether the user may be tried.
        clock: Seconds that only grow.
        steps: Told of each sign-in.
    """

    def __init__(
        self, guard: SignInGuard, clock: Callable[[], float] = time.monotonic, *, steps: Steps = UNWATCHED
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._steps = steps
        self._tokens = Tokens()

    def __call__(self, options: Snapshot, seconds: float) -> JobOutputProvider | None:
        """The scheduler, for one look; None where none is named."""
        settings = OpConSettings.of(options)
        if settings is None:
            return None
        return OpConApi(
            settings, self._tokens, self._guard, seconds=seconds, clock=self._clock, steps=self._steps
        )


def _settled(action: _Action) -> _Item | None:
    item = action.job_instance_action_items[0] if action.job_instance_action_items else _Item()
    results = {(result or "").lower() for result in (action.result, item.result)}
    if results & _FAILED:
        said = short(item.message or action.message or "")
        raise AttachmentFault(
            Fault.MISSING, f"the scheduler says: {said}" if said else "the scheduler has none"
        )
    if (action.result or "").lower() != _SUCCESS:
        return None
    return item


def _fault(refusal: ApiRefusal) -> AttachmentFault:
    """What an answer that is not 2xx means: of the scheduler as a whole, or of this job alone."""
    status = refusal.status
    if status in _COME_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        words = f"the scheduler has trouble (HTTP status {status})"
        return SchedulerFault(Fault.UNREACHABLE, words, is_passing=True)
    if status == HTTPStatus.UNAUTHORIZED:
        words = "the scheduler does not take the token (options jors.api_token, jors.api_user)"
        return SchedulerFault(Fault.DENIED, words)
    if status < HTTPStatus.BAD_REQUEST:
        words = "the scheduler's API is at another address (option jors.api_address)"
        return SchedulerFault(Fault.BROKEN, words)
    kind, words = _OF_ONE_JOB.get(
        status, (Fault.BROKEN, f"the scheduler refuses to give it (HTTP status {status})")
    )
    return AttachmentFault(kind, f"{words}: {refusal.words}" if refusal.words else words)


def _of_all(fault: AttachmentFault) -> SchedulerFault:
    return SchedulerFault(fault.kind, fault.words, is_passing=fault.is_passing)
