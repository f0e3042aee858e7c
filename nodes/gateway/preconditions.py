"""Conditional requests (RFC 9110, section 13): change only what the client has seen, answer only what is new to it.

A resource has an entity tag that changes whenever one of its values does.
"""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from starlette.responses import Response

from nodes.gateway.problems import Problem, ProblemError

UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not modified: the client has these values already, as its If-None-Match says"}
}


class NotModifiedError(Exception):
    """Ends a request for something that the client has already; it is answered 304."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


class Conditions:
    """The conditions of one request.

    Args:
        response: gets the entity tag of the resource.
        if_match: entity tags, separated by commas, or *; the resource has to have one of them.
        if_none_match: the same; the resource must have none of them.
    """

    def __init__(
        self,
        response: Response,
        # The descriptions of the operations mention these headers. Declared as parameters, any text would be valid by
        # the schema, although most texts are answered with 412.
        if_match: Annotated[str | None, Header(include_in_schema=False)] = None,
        if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> None:
        self._response = response
        self._wanted = None if if_match is None else _tags(if_match)
        self._unwanted = None if if_none_match is None else _tags(if_none_match)

    @property
    def wanted(self) -> list[str] | None:
        """The tags of `If-Match`, one of which the resource must have; None if there is no such header."""
        return None if self._wanted is None else sorted(self._wanted)

    @property
    def excludes(self) -> bool:
        """Has the request an `If-None-Match`?"""
        return self._unwanted is not None

    def answer(self, tag: str) -> None:
        """Put the entity tag of what is about to be answered into the answer.

        Raises:
            NotModifiedError: if the client has that already.
        """
        self.tell(tag)
        if self._unwanted is not None and _among(tag, self._unwanted):
            raise NotModifiedError(tag)

    def tell(self, tag: str) -> None:
        """Put the entity tag of what is there now into the answer."""
        self._response.headers["ETag"] = tag

    def require(self, tag: str | None) -> None:
        """Let a change go on only if both conditions hold.

        Args:
            tag: entity tag of the resource; None if it does not exist.

        Raises:
            ProblemError: 412 with that tag in the header ETag.
        """
        if self._wanted is not None and not _among(tag, self._wanted):
            raise changed(tag)
        self.exclude(tag)

    def exclude(self, tag: str | None) -> None:
        """Let a change go on only if `If-None-Match` holds. Raises ProblemError, see `require`."""
        if self._unwanted is not None and _among(tag, self._unwanted):
            reason = "it exists already: use another name, or send If-Match to replace it"
            raise _failed(tag, f"If-None-Match: {reason}")


Conditional = Annotated[Conditions, Depends(Conditions)]


def changed(tag: str | None, **members: Any) -> ProblemError:
    """The 412 about a resource that is no longer as the client has seen it.

    Args:
        tag: entity tag of the resource; None if it does not exist.
        members: further members of the problem.
    """
    return _failed(tag, "If-Match: it has changed since, or does not exist: read it again", **members)


def _failed(tag: str | None, detail: str, **members: Any) -> ProblemError:
    problem = Problem.of(412, "precondition", detail, **members)
    return ProblemError(problem, {} if tag is None else {"ETag": tag})


def _tags(header: str) -> frozenset[str]:
    # A proxy that compresses an answer marks its tag as weak, though it still names the same values. Compared strictly,
    # as RFC 9110 has it for If-Match, no client behind such a proxy could change anything.
    return frozenset(part.strip().removeprefix("W/") for part in header.split(",") if part.strip())


def _among(tag: str | None, tags: frozenset[str]) -> bool:
    return tag is not None and ("*" in tags or tag in tags)


async def _unchanged(_request: Request, error: Exception) -> Response:
    if not isinstance(error, NotModifiedError):
        raise error
    return Response(status_code=304, headers={"ETag": error.tag})


def register(app: FastAPI) -> None:
    """Have unmodified resources answered with 304."""
    app.exception_handler(NotModifiedError)(_unchanged)
