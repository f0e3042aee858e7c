"""Replays, which play a recorded run back in the place of a plant: going to any time of that run."""

from fastapi import APIRouter
from pydantic import Field

from nodes.gateway.answers import AppliedAnswer
from nodes.gateway.context import Arguments, Ask

router = APIRouter(tags=["replay"])


class Seek(Arguments):
    """The time to go to."""

    t: float = Field(ge=0, le=1e9, description="simulated time in the recorded run (s)", examples=[60.0])


@router.post("/replay/seek")
async def seek(ask: Ask, body: Seek) -> AppliedAnswer:
    """Go to a time of the recorded run; answered 409 by a living plant, whose time only goes forward."""
    return await ask.clock("seek", {"t": body.t})
