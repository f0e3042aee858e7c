"""Conditional requests (RFC 9110, 13): a change only of what its client has seen, an answer only if it is news.

A resource with values has an entity tag that changes when one of them does.
"""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from starlette.responses import Response

from nodes.gateway.problems import Problem, ProblemError

UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client has it already: its entity tag stands in If-None-Match"}
}


class NotModifiedError(Exception):
    """Ends a request for something that the client has already."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


class Conditions:
    """The conditions of one request.

    Args:
        response: gets the tag of what is answered.
        if_match: entity tags with commas, or *; the resource has to have one of them.
        if_none_match: the same; it must have none of them.
    """

    def __init__(
        self,
        response: Response,
        # Told in the descriptions of the operations: as parameters, any text would be a valid request by the schema.
        if_match: Annotated[str | None, Header(include_in_schema=False)] = None,
        if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> None:
        self._response = response
        self._wanted = None if if_match is None else _tags(if_match)
        self._unwanted = None if if_none_match is None else _tags(if_none_match)

    @property
    def wanted(self) -> list[str] | None:
        """The tags of `If-Match`, one of which the values must have; None if any will do."""
        return None if self._wanted is None else sorted(self._wanted)

    @property
    def excludes(self) -> bool:
        """Is there an `If-None-Match`?"""
        return self._unwanted is not None

    def answer(self, tag: str) -> None:
        """Say the tag of what is answered.

        Raises:
            NotModifiedError: if the client has it already.
        """
        self.tell(tag)
        if self._unwanted is not None and _among(tag, self._unwanted):
            raise NotModifiedError(tag)

    def tell(self, tag: str) -> None:
        """Say the tag of what is there now."""
        self._response.headers["ETag"] = tag

    def require(self, tag: str | None) -> None:
        """Let a change go on only if the conditions hold.

        Args:
            tag: of what is there; None if nothing is.

        Raises:
            ProblemError: 412 with the tag of what is there.
        """
        if self._wanted is not None and not _among(tag, self._wanted):
            raise changed(tag)
        self.exclude(tag)

    def exclude(self, tag: str | None) -> None:
        """Let a change go on only if `If-None-Match` holds. Raises ProblemError, see `require`."""
        if self._unwanted is not None and _among(tag, self._unwanted):
            raise _failed(tag, "If-None-Match: it is there already: use another name, or If-Match to change it")


Conditional = Annotated[Conditions, Depends(Conditions)]


def changed(tag: str | None, **members: Any) -> ProblemError:
    """The 412 about something that is not as its client has seen it.

    Args:
        tag: of what is there; None if nothing is.
        members: of the problem, beside the usual ones.
    """
    return _failed(tag, "If-Match: it has changed since, or is not there: read it again", **members)


def _failed(tag: str | None, detail: str, **members: Any) -> ProblemError:
    problem = Problem.of(412, "precondition", detail, **members)
    return ProblemError(problem, {} if tag is None else {"ETag": tag})


def _tags(header: str) -> frozenset[str]:
    # A proxy that compresses marks a tag as weak; it still names the same values.
    return frozenset(part.strip().removeprefix("W/") for part in header.split(",") if part.strip())


def _among(tag: str | None, tags: frozenset[str]) -> bool:
    return tag is not None and ("*" in tags or tag in tags)


async def _unchanged(_request: Request, error: Exception) -> Response:
    if not isinstance(error, NotModifiedError):
        raise error
    return Response(status_code=304, headers={"ETag": error.tag})


def register(app: FastAPI) -> None:
    """Have unchanged resources answered as such."""
    app.exception_handler(NotModifiedError)(_unchanged)
