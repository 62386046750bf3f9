"""The body of a request: read after the token was looked at, and checked as a whole."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Generic, TypeVar

from fastapi import Depends
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from console.api.problem import fault_of_fields
from console.serving.fault import Fault, Refusal

Model = TypeVar("Model", bound=BaseModel)


async def _raw(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(
            Fault(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Not JSON",
                "the request's Content-Type is not application/json",
            )
        )
    return await request.body()


#: The body as it came, where a room below reads JSON itself. Write it after the caller: dependencies are
#: met in their order, and nobody without a token shall have us read megabytes.
RawBody = Annotated[bytes, Depends(_raw)]


class JsonBody(Generic[Model]):
    """The dependency that reads a body of one form."""

    def __init__(self, model: type[Model]) -> None:
        self._model = model

    async def __call__(self, request: Request) -> Model:
        """The body, checked."""
        raw = await _raw(request)
        try:
            return self._model.model_validate_json(raw)
        except ValidationError as error:
            fault = fault_of_fields(
                error.errors(include_url=False, include_input=False, include_context=False)
            )
        raise Refusal(fault)
