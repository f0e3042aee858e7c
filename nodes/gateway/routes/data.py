"""Data: the newest state frame of a module, as a whole and by subject."""

import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response

from nodes.gateway import plant_answers
from nodes.gateway.context import Gateway, Here, ModuleName
from nodes.gateway.frame_encoding import Frame, json_bytes
from nodes.gateway.openapi import of_live, of_view
from nodes.gateway.problems import Problem, ProblemError
from nodes.gateway.views import VIEWS, view

router = APIRouter(tags=["data"])
first = APIRouter(tags=["first paths"])

JSON = "application/json"


def fresh_frame(gateway: Gateway, module: str) -> tuple[Frame, float]:
    """The newest frame of a module and its age (s).

    Raises:
        ProblemError: 503 with the reason if there is none, it is older than 1 s or of another run: a client that shows
            numbers must not show old ones as if they were new.
    """
    frame = gateway.plant.newest(module)
    now = gateway.now()
    missing = [item for item in gateway.plant.missing(now) if item.name == f"physics {module}"]
    if frame is None or missing:
        detail = "; ".join(f"{item.name}: {item.reason}" for item in missing)
        found = plant_answers.missing_answers(missing, time.time())
        raise ProblemError(Problem.of(503, "missing", detail, missing=found))
    return frame, now - frame.arrived


@router.get("/data/live", responses=of_live(), response_class=Response)
@first.get("/data/live", responses=of_live(), response_class=Response)
async def live(gateway: Here, module: ModuleName) -> Response:
    """The newest state of a module with its `age` (s); answered 503 if there is none or it is older than 1 s."""
    frame, age = fresh_frame(gateway, module)
    # The age is spliced in: the state itself was encoded once, for all who ask.
    return Response(b'{"age":%.6f,' % age + frame.json()[1:], media_type=JSON)


def _route(name: str) -> Callable[..., Awaitable[Response]]:
    async def read(gateway: Here, module: ModuleName) -> Response:
        frame, age = fresh_frame(gateway, module)
        return Response(json_bytes(view(name, frame.state(), age)), media_type=JSON)

    # FastAPI makes operation id and description from these two.
    read.__name__ = f"get_{name}"
    read.__doc__ = VIEWS[name].__doc__
    return read


for _name in VIEWS:
    router.get(f"/data/{_name}", responses=of_view(_name), response_class=Response)(_route(_name))
