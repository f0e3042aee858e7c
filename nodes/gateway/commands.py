"""Commands on behalf of clients: each acts once, however often it is asked for, and is answered with its outcome."""

import hashlib
import math
import re
import uuid
from collections import OrderedDict
from http import HTTPStatus
from typing import Any

from msgspec import structs

from bus.protocol.codec import FrameError
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import IDENTIFIER, Command, CommandRequest, Refused, Result
from bus.protocol.tags import IF_MATCH
from bus.security.roles import command_role, lacking
from bus.security.tokens import Caller
from bus.transport import client
from bus.transport.client import Commander
from bus.transport.request import NotAnsweredError, RefusedError
from nodes.gateway import parameter_values
from nodes.gateway.answers import AppliedAnswer
from nodes.gateway.preconditions import changed
from nodes.gateway.problems import Problem, ProblemError, ViolationAnswer

KEYS_KEPT = 10_000
"""Idempotency-Keys that are remembered together with the request that they stood for."""

ID_LENGTH = 64
"""Most characters of a command's id."""


class Commands:
    """Sends commands to the clock and turns each outcome into an answer or a problem. For one loop.

    Args:
        endpoints: where the clock and the modules are.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self.commander = Commander(endpoints)
        self._asked: OrderedDict[str, CommandRequest] = OrderedDict()

    def heard(self, result: Result) -> None:
        """Take note of a result from the bus."""
        self.commander.heard(result)

    @property
    def waiting(self) -> int:
        """Commands whose outcome is not known yet."""
        return self.commander.waiting

    def noted(self, command: Command) -> None:
        """Take note of a command in a tick, whoever sent it: from now on its id stands for it, in every worker."""
        self._remember(CommandRequest(**structs.asdict(command)))

    async def run(
        self, module: str, name: str, args: dict[str, Any], key: str | None, origin: str, caller: Caller
    ) -> AppliedAnswer:
        """Have a command sequenced and wait until it has acted.

        Args:
            module: addressee: "clock", a plant module, or "*".
            name: what to do.
            args: arguments by name.
            key: the client's Idempotency-Key; None makes a new one. It belongs to this caller: the same key of another
                caller is another command.
            origin: who asks, as the clock's journal has it.
            caller: who asks, with the role that decides whether the command is permitted.

        Raises:
            ProblemError: 403 if the command takes another role, 422 if a value is wrong by itself, 409 if the command
                was rejected as it stands, 412 if an If-Match does not hold, 503 if nobody answered or the plant is not
                ready.
        """
        reason = lacking(caller, command_role(module, name), name)
        if reason:
            raise ProblemError(Problem.of(403, "role", reason))
        key = key or uuid.uuid4().hex
        request = self._request(module, name, args, key, origin)
        headers = {"Idempotency-Key": key}
        try:
            result = await self.commander.send(request)
        except RefusedError as error:
            raise ProblemError(_refused(request, key, error.refused), headers | _retry(error.refused)) from error
        except (NotAnsweredError, FrameError) as error:
            # Silence proves nothing: the command may be in the journal and act later. Only a repetition with the same
            # id finds out, since the clock takes an id once; so the answer names the key even if the client sent none.
            detail = f"the outcome is unknown ({error}): send the request again with the same Idempotency-Key"
            problem = Problem.of(503, "not-answered", detail, command=name, id=key)
            raise ProblemError(problem, {**headers, "Retry-After": "1"}) from error
        if result.outcome == "rejected":
            rejected = _rejected(request, key, result)
            raise ProblemError(rejected.problem, rejected.headers | headers)
        return AppliedAnswer(command=name, id=key, run=result.run, seq=result.seq, t=result.t, applied=result.applied)

    def _request(self, module: str, name: str, args: dict[str, Any], key: str, origin: str) -> CommandRequest:
        if re.fullmatch(IDENTIFIER, key) is None:
            reason = "send 1 to 64 characters: letters, digits and _ . : -"
            raise ProblemError(Problem.violation("Idempotency-Key", "64 characters", reason))
        try:
            request = client.command(module, name, args, origin[:64], command_id(key, origin))
        except FrameError as error:
            raise ProblemError(Problem.violation("body", "what a command can carry", str(error))) from error
        # Compared before anything is sent. If the earlier request has been carried out, its result is known here, and
        # the client would take that for the outcome of this one.
        before = self._remember(request)
        if (before.module, before.name, before.args) != (module, name, args):
            raise ProblemError(_used(f"it stands for an earlier request ({before.name!r})"))
        return request

    def _remember(self, request: CommandRequest) -> CommandRequest:
        before = self._asked.setdefault(request.id, request)
        while len(self._asked) > KEYS_KEPT:
            self._asked.popitem(last=False)
        return before


def command_id(key: str, origin: str) -> str:
    """The id of a command: the key itself or, for a caller with a name, "name:key".

    With the name in it two callers may use the same key, and neither can learn what became of the other's command.

    Args:
        key: the client's Idempotency-Key.
        origin: who asks, with the name after a colon.
    """
    _, _, caller = origin.partition(":")
    if not caller:
        return key
    own = f"{caller}:{key}"
    # Too long together: the digest of the key takes its place, which is the same each time the client asks.
    return own if len(own) <= ID_LENGTH else f"{caller}:{hashlib.sha256(key.encode()).hexdigest()}"[:ID_LENGTH]


def _refused(request: CommandRequest, key: str, refused: Refused) -> Problem:
    """Why the clock did not accept a request."""
    members: dict[str, Any] = {"command": request.name, "id": key}
    if refused.field == "id":
        return _used(refused.reason)
    if refused.retry_after > 0:  # nothing is wrong with the request; it only comes too early
        return Problem.of(503, "not-ready", refused.reason, **members)
    if refused.violations:
        found = [ViolationAnswer(field=item.field, limit=item.limit, reason=item.reason) for item in refused.violations]
        return Problem.of(_status(request), "violations", refused.reason, violations=found, **members)
    if not refused.field:
        return Problem.of(409, "rejected", refused.reason, **members)
    alone = ViolationAnswer(field=refused.field, limit="", reason=refused.reason)
    return Problem.of(422, "violations", f"{refused.field}: {refused.reason}", violations=[alone], **members)


def _used(reason: str) -> Problem:
    """The 409 for a key that stands for another request."""
    found = ViolationAnswer(field="Idempotency-Key", limit="one request", reason=f"{reason}: send a new key")
    return Problem.of(409, "key", f"Idempotency-Key: {found.reason}", violations=[found])


def _retry(refused: Refused) -> dict[str, str]:
    return {"Retry-After": str(math.ceil(refused.retry_after))} if refused.retry_after > 0 else {}


def _rejected(request: CommandRequest, key: str, result: Result) -> ProblemError:
    """The problem for a command that was rejected at its tick; nothing was applied."""
    members: dict[str, Any] = {
        "command": request.name,
        "id": key,
        "run": result.run,
        "seq": result.seq,
        "t": result.t,
    }
    if not result.violations:
        return ProblemError(Problem.of(409, "rejected", result.reason, **members))
    if result.violations[0].field == IF_MATCH:
        return changed(result.violations[0].limit, **members)
    found = [ViolationAnswer(field=item.field, limit=item.limit, reason=item.reason) for item in result.violations]
    detail = result.reason or "; ".join(item.reason for item in found)
    return ProblemError(Problem.of(_status(request), "violations", detail, violations=found, **members))


def _status(request: CommandRequest) -> HTTPStatus:
    """The status for refused arguments: 422 if one of them is wrong by itself, else 409."""
    if request.name == "set_speed":
        return HTTPStatus.UNPROCESSABLE_ENTITY
    changes = request.args.get("parameters", {}) if request.name == "reset" else request.args
    of_parameters = request.name in {"reset", "set_parameters"} and isinstance(changes, dict)
    # Arguments of other commands were validated before they were sent: they can only conflict with the plant's state.
    return (
        parameter_values.status({k: v for k, v in changes.items() if k != IF_MATCH})
        if of_parameters
        else HTTPStatus.CONFLICT
    )
