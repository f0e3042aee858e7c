"""Forks over REST: what `catalog.forks` does, with this API's commands, answers and problems."""

import hashlib
from typing import Any

from starlette.concurrency import run_in_threadpool

from bus.protocol.codec import FrameError
from bus.protocol.messages import Result
from bus.transport.request import NotAnsweredError, RefusedError
from catalog.forks import ForkPoint, MomentError, NothingRecordedError, RejectedError, begin_fork, recorded_moment
from nodes.gateway import parameter_values
from nodes.gateway.answers import AppliedAnswer
from nodes.gateway.context import Asked
from nodes.gateway.problems import Problem, ProblemError, ViolationAnswer
from nodes.gateway.recording_schemas import ForkedAnswer, ForkOriginAnswer
from recording.database import StoreError


async def fork(ask: Asked, run: str, t: float, changes: dict[str, Any], *, start: bool) -> ForkedAnswer:
    """Begin a new run from a moment of a recorded one.

    Args:
        ask: the request.
        run: the recorded run.
        t: simulated time of the moment in that run (s).
        changes: parameters that the new run begins with in place of the recorded ones, by name.
        start: whether its simulated time runs at once; else it stands at time zero.

    Raises:
        ProblemError: 404 if that moment is not recorded, 422 for a wrong value, 409 if the values do not go together or
            the moment cannot be computed, 503 if a node does not answer or is not ready.
        NoRecordingError: if the run is not recorded.
    """
    gateway = ask.gateway
    answers: list[AppliedAnswer] = []

    async def order(name: str, args: dict[str, Any]) -> AppliedAnswer:
        # A key that follows from the first: a client that repeats its request, with the one key that it knows, repeats
        # both commands. A random key would make the second one act twice.
        key = hashlib.sha256(answers[0].id.encode()).hexdigest()[:32] if answers else None
        answers.append(await ask.apply("clock", name, args, key))
        ask.answer_with(answers[0].id)
        return answers[-1]

    moment = await run_in_threadpool(_moment, ask, run, t)
    try:
        new = await begin_fork(gateway.endpoints, gateway.commands.commander, moment, changes, order, start=start)
    except MomentError as error:
        raise ProblemError(Problem.conflict("t", "", str(error))) from error
    except RejectedError as error:
        raise ProblemError(_rejected(error.result, changes)) from error
    except RefusedError as error:
        status, kind = (503, "not-ready") if error.refused.retry_after > 0 else (409, "rejected")
        raise ProblemError(Problem.of(status, kind, error.refused.reason, command="fork")) from error
    except (NotAnsweredError, FrameError) as error:
        # After the first command the outcome is unknown; before it nothing has been done.
        kind = "not-answered" if answers else "missing"
        raise ProblemError(Problem.of(503, kind, str(error), command="fork")) from error
    return ForkedAnswer(
        command=answers[-1].command,
        id=answers[0].id,
        run=new.run,
        seq=new.seq,
        t=new.t,
        applied=new.applied,
        fork=ForkOriginAnswer(run=run, seq=new.seq_before, t=new.t_before),
        digests={each.module: each.digest for each in new.made},
    )


def _moment(ask: Asked, run: str, t: float) -> ForkPoint:
    gateway = ask.gateway
    try:
        return recorded_moment(gateway.recordings, run, list(gateway.plant.modules), t)
    except NothingRecordedError as error:
        raise ProblemError(Problem.absent("t", "what is recorded", str(error))) from error
    except StoreError as error:
        raise ProblemError(Problem.of(404, "recording", str(error))) from error


def _rejected(result: Result, changes: dict[str, Any]) -> Problem:
    members: dict[str, Any] = {"command": "fork", "run": result.run, "seq": result.seq, "t": result.t}
    if not result.violations:
        return Problem.of(409, "rejected", result.reason, **members)
    found = [ViolationAnswer(field=item.field, limit=item.limit, reason=item.reason) for item in result.violations]
    detail = result.reason or found[0].reason
    return Problem.of(parameter_values.status(changes), "violations", detail, violations=found, **members)
