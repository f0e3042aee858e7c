"""What was pressed on the page becomes a command of the plant; nothing here waits in a callback."""

from typing import Any

import msgspec

from bus.protocol.codec import FrameError
from bus.protocol.messages import Result
from bus.protocol.schema import Message
from bus.security.roles import command_role, lacking
from bus.security.tokens import Caller
from bus.transport.client import Commander, command
from bus.transport.request import NotAnsweredError, RefusedError

PRESSED_LIMIT = 16
"""Commands of one session that may wait for an answer at a time."""

URGENT_LIMIT = 2 * PRESSED_LIMIT
"""The same for emergency stops: whatever else waits, there is room for one."""


class Press(Message, frozen=True):
    """What a page sends when something is pressed."""

    id: str
    module: str
    name: str
    args: dict[str, Any]


class PressAnswer(Message, frozen=True):
    """What became of it, for the session that pressed; everybody else hears of it on the bus."""

    id: str
    phase: str
    """applied, rejected, refused (never sequenced) or unanswered."""
    t: float | None
    reason: str


def read_press(data: object) -> Press:
    """Check what a page sent.

    Raises:
        FrameError: naming the field that is wrong.
    """
    try:
        press = msgspec.convert(data, Press)
    except (msgspec.ValidationError, ValueError) as error:
        raise FrameError(str(error)) from error
    return press


async def perform(commander: Commander, press: Press, origin: str, caller: Caller) -> PressAnswer:
    """Have a press carried out, if whoever pressed may do so, and say what became of it."""
    denied = lacking(caller, command_role(press.module, press.name), press.name)
    if denied:
        return PressAnswer(press.id, "refused", None, denied)
    try:
        result = await commander.send(command(press.module, press.name, press.args, origin, press.id))
    except FrameError as error:
        return PressAnswer(press.id, "refused", None, str(error))
    except RefusedError as error:
        return PressAnswer(press.id, "refused", None, str(error))
    except NotAnsweredError as error:
        return PressAnswer(press.id, "unanswered", None, str(error))
    return _answer(press, result)


def _answer(press: Press, result: Result) -> PressAnswer:
    return PressAnswer(press.id, result.outcome, result.t, result.reason)
