"""From a press on the page to an answer."""

import asyncio
from typing import cast

import pytest

from bus.protocol.codec import FrameError
from bus.protocol.messages import CommandRequest, Refused, Result
from bus.security.tokens import Caller, Role
from bus.transport.client import Commander
from bus.transport.request import NotAnsweredError, RefusedError
from ui.page_commands import Press, perform, read_press

ADMIN = Caller("", Role.ADMIN)
PRESS = {"id": "abc", "module": "clock", "name": "pause", "args": {}}


class Answering:
    """A commander that gives one answer."""

    def __init__(self, answer: Result | Exception) -> None:
        self.answer = answer
        self.sent: list[CommandRequest] = []

    async def send(self, request: CommandRequest) -> Result:
        self.sent.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def carried_out(answer: Result | Exception, press: Press) -> tuple[str, float | None, str]:
    told = asyncio.run(perform(cast(Commander, Answering(answer)), press, "dashboard-0001", ADMIN))
    return told.phase, told.t, told.reason


def result(outcome: str, reason: str = "") -> Result:
    return Result(1.5, 150, "r1", 0.0, "clock", "abc", "pause", outcome, reason, [], {})  # type: ignore[arg-type]  # one of its two words


def test_every_answer_reaches_the_page() -> None:
    press = read_press(PRESS)
    assert carried_out(result("applied"), press) == ("applied", 1.5, "")
    assert carried_out(result("rejected", "too late"), press) == ("rejected", 1.5, "too late")
    assert carried_out(RefusedError(Refused("abc", "module", "no such")), press) == (
        "refused",
        None,
        "module: no such",
    )
    assert carried_out(NotAnsweredError("silence"), press) == ("unanswered", None, "silence")


def test_the_press_becomes_a_command_with_its_id_and_origin() -> None:
    commander = Answering(result("applied"))
    asyncio.run(perform(cast(Commander, commander), read_press(PRESS), "dashboard-0001", ADMIN))
    [sent] = commander.sent
    assert (sent.id, sent.module, sent.name, sent.origin) == ("abc", "clock", "pause", "dashboard-0001")


@pytest.mark.parametrize(
    "data",
    [None, [], "start", {}, {**PRESS, "args": [1]}, {**PRESS, "id": 5}, {**PRESS, "name": None}],
)
def test_what_is_no_press_is_refused(data: object) -> None:
    with pytest.raises(FrameError):
        read_press(data)


@pytest.mark.parametrize(
    "change", [{"name": "No Name"}, {"id": "x" * 99}, {"id": "a b"}, {"args": {"x": float("nan")}}]
)
def test_a_press_that_makes_no_command_is_refused_before_it_is_sent(change: dict[str, object]) -> None:
    commander = Answering(result("applied"))
    told = asyncio.run(perform(cast(Commander, commander), read_press({**PRESS, **change}), "dashboard-0001", ADMIN))
    assert told.phase == "refused"
    assert told.reason
    assert commander.sent == []


@pytest.mark.parametrize("role", [Role.PUBLIC, Role.VIEWER, Role.OPERATOR])
def test_s05_a_press_takes_the_role_of_its_command(role: Role) -> None:
    commander = Answering(RefusedError(Refused(id="", field="", reason="the clock was asked")))
    press = read_press({**PRESS, "name": "set_policy", "args": {"policy": "stop"}})
    told = asyncio.run(perform(cast(Commander, commander), press, "dashboard-0001", Caller("ann", role)))
    assert (told.phase, commander.sent) == ("refused", [])
    assert told.reason == f"set_policy needs the role admin, 'ann' has {role.name.lower()}"
