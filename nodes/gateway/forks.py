"""Fork over REST: every module makes a recorded moment ready, the clock is reset to it, and the run may start."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from bus.protocol.codec import FrameError
from bus.protocol.endpoints import ModuleEndpoints
from bus.protocol.messages import Forked, ForkRequest, Result
from bus.transport import client
from bus.transport.client import NotAnsweredError, RefusedError
from nodes.gateway import recordings, values
from nodes.gateway.context import Asked, Gateway
from nodes.gateway.problems import Problem, ProblemError, ViolationAnswer
from nodes.gateway.recording_schemas import ForkedAnswer, ForkOriginAnswer

BEGIN_WITHIN = 10.0
"""Seconds within which every module has begun the new run."""


async def fork(ask: Asked, run: str, t: float, changes: dict[str, Any], *, start: bool) -> ForkedAnswer:
    """Begin a new run from a moment of a recorded one.

    Raises:
        ProblemError: 404 for what is not recorded, 422 for what is not allowed, 409 if it cannot be, 503 unanswered.
    """
    gateway = ask.gateway
    made = [each for module in gateway.endpoints.modules for each in await _ready(gateway.recordings, module, run, t)]
    origins = {(each.scenario, seq, each.t) for each, seq in made}
    if len(origins) != 1:
        raise ProblemError(Problem.conflict("t", "", f"the modules of run {run} were not at the same tick at {t:g} s"))
    scenario, seq, moment = origins.pop()
    answer = await ask.clock("reset", {"scenario": scenario, "parameters": changes})
    begun = await _begun(gateway, answer.run, changes)
    applied = answer.applied | begun[0].applied
    told = answer.model_dump() | {"run": begun[0].run, "seq": begun[0].seq, "t": begun[0].t}
    if start:
        # An id that follows from the first, so that asking again repeats both.
        started = await ask.apply("clock", "start", {}, hashlib.sha256(answer.id.encode()).hexdigest()[:32])
        ask.answer_with(answer.id)
        applied |= started.applied
        told |= {"command": "start", "seq": started.seq, "t": started.t}
    origin = ForkOriginAnswer(run=run, seq=seq, t=moment)
    digests = {each.module: each.digest for each, _ in made}
    return ForkedAnswer(**told | {"applied": applied}, fork=origin, digests=digests)


async def _ready(root: Path, module: ModuleEndpoints, run: str, t: float) -> list[tuple[Forked, int]]:
    """Have every instance of a module make the moment ready: any of them may be the one that publishes."""
    seq = await run_in_threadpool(recordings.moment, root, run, module.module, t)
    request = ForkRequest(run, seq)
    try:
        made = await asyncio.gather(*(client.fork(instance.snapshot, request) for instance in module.instances))
    except RefusedError as error:
        status, kind = (503, "not-ready") if error.refused.retry_after > 0 else (409, "rejected")
        raise ProblemError(Problem.of(status, kind, error.refused.reason, command="fork")) from error
    except (NotAnsweredError, FrameError) as error:
        raise ProblemError(Problem.of(503, "missing", f"physics {module.module}: {error}", command="fork")) from error
    return [(each, seq) for each in made]


async def _begun(gateway: Gateway, before: str, changes: dict[str, Any]) -> list[Result]:
    """What the modules said to the beginning of the run that followed another one, once all have applied it."""
    deadline = gateway.now() + BEGIN_WITHIN
    while True:
        found = gateway.commands.begun(gateway.plant.following(before))
        rejected = next((result for result in found.values() if result.outcome == "rejected"), None)
        if rejected is not None:
            raise ProblemError(_rejected(rejected, changes))
        if found.keys() >= gateway.plant.modules.keys():
            return list(found.values())
        left = deadline - gateway.now()
        if left <= 0 or gateway.notifier.over:
            detail = f"the new run was begun, but not every module has said so in {BEGIN_WITHIN:g} s: see /v1/status"
            raise ProblemError(Problem.of(503, "not-answered", detail, command="fork"))
        await gateway.notifier.wait(left)


def _rejected(result: Result, changes: dict[str, Any]) -> Problem:
    members: dict[str, Any] = {"command": "fork", "run": result.run, "seq": result.seq, "t": result.t}
    if not result.violations:
        return Problem.of(409, "rejected", result.reason, **members)
    found = [ViolationAnswer(field=item.field, limit=item.limit, reason=item.reason) for item in result.violations]
    detail = result.reason or found[0].reason
    return Problem.of(values.status(changes), "violations", detail, violations=found, **members)
