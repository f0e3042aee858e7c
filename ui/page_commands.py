"""Turns what was pressed on a page into a command of the plant, and its result into an answer for the page."""

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
"""Commands of one session that may be under way at a time."""

URGENT_LIMIT = 2 * PRESSED_LIMIT
"""The same for emergency stops: there is room for one, whatever else is under way."""


class Press(Message, frozen=True):
    """What a page sends when something is pressed."""

    id: str
    module: str
    name: str
    args: dict[str, Any]


class PressAnswer(Message, frozen=True):
    """What became of it, for the session that pressed; all others hear of it through the bus."""

    id: str
    """That of the press."""
    phase: str
    """applied, rejected, refused (it was never sequenced) or unanswered (nobody knows whether it acts)."""
    t: float | None
    """Simulated time at which it acted or was rejected (s); None if it was not sequenced."""
    reason: str
    """Why it was not applied; empty if it was."""


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
    """Have a press carried out, if the caller has the role for it, and say what became of it.

    Args:
        commander: sends commands.
        press: what was pressed. Its id becomes that of the command: sent again after a lost answer, it acts only once.
        origin: who asks, as the clock's journal has it.
        caller: who pressed.
    """
    # On the bus a command comes from the dashboard, with the key of a node: what the user may do is decided here.
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
