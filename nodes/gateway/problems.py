"""Problem details (RFC 9457): the form of every answer of the gateway that is not a success."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bus.security.hosts import Refusal
from kpp_physics.parameters import DECLARATIONS, ParameterError, Violation
from nodes.gateway import parameter_values

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER = 1
"""Seconds after which a request that was answered 503 is worth repeating, if nothing better is known."""


class ViolationAnswer(BaseModel):
    """Why a value was refused."""

    field: str = Field(description="name of the parameter, argument or header")
    limit: str = Field(description="the limit that it exceeds, with its unit; empty if there is none")
    reason: str = Field(description="what is wrong, and what would be right")


class MissingAnswer(BaseModel):
    """A part of the plant that the gateway does not hear."""

    name: str = Field(description='"clock" or "physics <module>"', examples=["physics m1"])
    since: float = Field(
        description="Unix time at which it was last heard, or at which the gateway began to listen (s)"
    )
    silent: float = Field(description="seconds since then (s)")
    reason: str = Field(description="why it counts as missing, for people")


class Problem(BaseModel):
    """A problem as RFC 9457 describes it, with the members that this API adds."""

    type: str = Field(description="kind of problem, for programs", examples=["urn:kpp:problem:violations"])
    title: str = Field(description="the HTTP status in words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what is wrong, and what would be right")
    violations: list[ViolationAnswer] | None = Field(
        None, description="the values that were refused; nothing was applied"
    )
    missing: list[MissingAnswer] | None = Field(None, description="parts of the plant that the gateway does not hear")
    known: list[str] | None = Field(None, description="names that would be right here, or some of them")
    command: str | None = Field(None, description="name of the command that was not carried out")
    id: str | None = Field(None, description="id of that command: send it as Idempotency-Key to repeat the request")
    run: str | None = Field(None, description="run in which the command was rejected")
    seq: int | None = Field(None, description="tick at which the command was rejected")
    t: float | None = Field(None, description="simulated time at which the command was rejected (s)")

    @classmethod
    def of(cls, status: int, kind: str, detail: str, **members: Any) -> "Problem":
        """Make a problem.

        Args:
            status: HTTP status.
            kind: last part of its type.
            detail: what is wrong, and what would be right.
            members: values of the members that this API adds.
        """
        title = HTTPStatus(status).phrase
        return cls(type=f"urn:kpp:problem:{kind}", title=title, status=status, detail=detail, **members)

    @classmethod
    def refusal(cls, refusal: Refusal) -> "Problem":
        """The problem for a request that was not let in."""
        return cls.of(refusal.status, refusal.kind, refusal.reason)

    @classmethod
    def violation(cls, field: str, limit: str, reason: str) -> "Problem":
        """A 422 about one value."""
        return cls._about(422, field, limit, reason)

    @classmethod
    def absent(cls, field: str, limit: str, reason: str) -> "Problem":
        """A 404 about a value that is the name of nothing."""
        return cls._about(404, field, limit, reason)

    @classmethod
    def _about(cls, status: int, field: str, limit: str, reason: str) -> "Problem":
        found = ViolationAnswer(field=field, limit=limit, reason=reason)
        return cls.of(status, "violations", f"{field}: {reason}", violations=[found])

    @classmethod
    def conflict(cls, field: str, limit: str, reason: str) -> "Problem":
        """A 409 about a value that is permitted, but conflicts with another one or with what is there."""
        return cls._about(409, field, limit, reason)

    @classmethod
    def parameters(cls, error: ParameterError, given: Mapping[str, Any]) -> "Problem":
        """A 422 or 409 with every objection of the model to some parameters.

        Args:
            error: the objections.
            given: the values that were sent, by name.
        """
        # A reason is as long as the bus lets it be, where the module objects to the same values in the same words.
        found = [
            ViolationAnswer(field=item.field[:200], limit=_limit(item), reason=item.reason[:512])
            for item in error.violations
        ]
        detail = "; ".join(item.reason for item in found[:10])
        return cls.of(parameter_values.status(given), "violations", detail, violations=found)


def _limit(item: Violation) -> str:
    if item.limit is None:
        return ""
    declared = DECLARATIONS.get(item.field)
    unit = "" if declared is None or declared.unit == "-" else f" {declared.unit}"
    return f"{item.limit:g}{unit}" if isinstance(item.limit, int | float) else item.limit


class ProblemError(Exception):
    """Ends a request with a problem, which is sent with some headers."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = dict(headers or {})


def render(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The HTTP answer with a problem. Members without a value are left out; a 503 always says when to ask again."""
    content = problem.model_dump_json(exclude_none=True)
    retry = {"Retry-After": str(RETRY_AFTER)} if problem.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(content, problem.status, {**retry, **(headers or {})}, MEDIA_TYPE)


async def _problem(_request: Request, error: ProblemError) -> Response:
    return render(error.problem, error.headers)


async def _http(request: Request, error: HTTPException) -> Response:
    detail = {
        404: f"there is nothing at {request.url.path[:200]}: /v1/openapi.json lists every path",
        405: f"{request.method} is not possible here: the header Allow names the methods that are",
    }.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # A path with several methods has a route for each, and the router names only the methods of the first.
        headers["Allow"] = ", ".join(request.app.state.roles.methods(request.scope["path"])) or headers.get("Allow", "")
    return render(Problem.of(error.status_code, "http", detail), headers)


async def _invalid(_request: Request, error: RequestValidationError) -> Response:
    found = [_violation(item) for item in error.errors()]
    detail = "; ".join(f"{item.field}: {item.reason}" for item in found)
    return render(Problem.of(422, "violations", detail, violations=found))


def _violation(item: Mapping[str, Any]) -> ViolationAnswer:
    """One finding of pydantic, in the form of this API."""
    # The first part says where the value was sent, such as "query"; it is only of use if there is nothing else.
    where = [str(part) for part in item["loc"][1:]] or [str(item["loc"][0])]
    limit = ", ".join(f"{name} {value}" for name, value in item.get("ctx", {}).items() if name != "error")
    return ViolationAnswer(field=".".join(where)[:200], limit=limit, reason=str(item["msg"]))


async def _defect(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after the answer, so the log has it with its traceback. The client gets no
    # details, which may hold paths of this machine.
    return render(Problem.of(500, "defect", "this is a defect of the gateway: its log has the details"))


def register(app: FastAPI) -> None:
    """Have every failure answered with a problem."""
    app.exception_handler(ProblemError)(_problem)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_defect)
