"""Faults as `application/problem+json` (RFC 9457), for everything that ends other than well."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.serving.defect import defect_of
from console.serving.fault import Fault, FieldFault, fault_of

MEDIA_TYPE: Final = "application/problem+json"
#: A name and no address: nothing has to answer there.
TYPE_PREFIX: Final = "urn:notify:problem:"
_FAULTS_MAXIMUM: Final = 50


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="An option, a parameter, or a path into the document: `to[1]`.")
    detail: str = Field(description="The fault, and what is allowed.")


class Problem(BaseModel):
    """How a request ended other than well."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="Which kind of fault; the same for each of its kind.")
    title: str = Field(description="That kind in words.")
    status: int
    detail: str = Field(description="What is wrong this time; no secret, and no part of a message.")
    advice: str | None = Field(default=None, description="What to do about it.")
    field: str | None = Field(default=None, description="The first field that is not as it should be.")
    errors: list[FieldProblem] | None = Field(default=None, description="Each such field.")


class ProblemResponse(JSONResponse):
    """A fault as a reply."""

    media_type = MEDIA_TYPE

    def __init__(self, fault: Fault) -> None:
        super().__init__(document_of(fault), status_code=fault.status)
        if fault.status == HTTPStatus.UNAUTHORIZED:
            self.headers["WWW-Authenticate"] = 'Bearer realm="notify"'
        if fault.retry_after_seconds is not None:
            self.headers["Retry-After"] = str(fault.retry_after_seconds)


def document_of(fault: Fault) -> dict[str, Any]:
    """A fault as a problem; what does not apply is left out."""
    problem = Problem(
        type=f"{TYPE_PREFIX}{fault.kind}",
        title=fault.title,
        status=fault.status,
        detail=fault.detail,
        advice=fault.advice or None,
        field=fault.fields[0].field if fault.fields else None,
        errors=[FieldProblem(field=each.field, detail=each.detail) for each in fault.fields] or None,
    )
    return problem.model_dump(exclude_none=True)


def response_of(error: BaseException) -> ProblemResponse:
    """An exception as a reply."""
    if isinstance(error, RequestValidationError):
        return ProblemResponse(fault_of_fields(error.errors()))
    return ProblemResponse(fault_of(error) or defect_of(error))


def fault_of_fields(errors: Any) -> Fault:
    """What the framework found wrong with fields. Its errors quote what was sent; ours do not."""
    fields = tuple(
        FieldFault(_path(each["loc"]), each["msg"][:1].lower() + each["msg"][1:])
        for each in list(errors)[:_FAULTS_MAXIMUM]
    )
    detail = "; ".join(f"{each.field}: {each.detail}" for each in fields)
    return Fault(HTTPStatus(422), "invalid", "Not allowed", detail, fields=fields)


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if part in {"body", "query", "path", "header"} and not path:
            continue
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or "request"


class ProblemRoute(APIRoute):
    """A route whose every exception becomes a problem: also those that nobody foresaw."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with that around it."""
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:  # noqa: BLE001  # every one of them is answered with a problem
                return response_of(error)

        return guarded
