"""`/token`: what a token may do, for whoever was handed one."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from console.api.caller import CallerWithToken
from console.api.openapi import faults
from console.api.problem import ProblemRoute
from settings_store.access import Privilege

router = APIRouter(route_class=ProblemRoute, prefix="/token", tags=["token"])


class Scope(BaseModel):
    """A token's name and scope."""

    name: str
    privileges: list[Privilege] = Field(description="Those that others include, too.")


@router.get("", responses=faults())
def get_token(caller: CallerWithToken) -> Scope:
    """The token that this request bears."""
    return Scope(name=caller.name.removeprefix("token:"), privileges=sorted(caller.principal.privileges))
