"""A replay that is played back in the place of a plant: to any moment of the recorded run."""

from fastapi import APIRouter
from pydantic import Field

from nodes.gateway.answers import AppliedAnswer
from nodes.gateway.context import Arguments, Ask

router = APIRouter(tags=["replay"])


class Seek(Arguments):
    """Where to go."""

    t: float = Field(ge=0, le=1e9, description="simulated time in the recorded run (s)", examples=[60.0])


@router.post("/replay/seek")
async def seek(ask: Ask, body: Seek) -> AppliedAnswer:
    """Go to a moment of the recorded run; 409 from a plant, whose time goes forward only."""
    return await ask.clock("seek", {"t": body.t})
