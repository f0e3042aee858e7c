"""Who may do what: one set of tables for every door, that is REST, WebSocket, bus and dashboard. Pure.

What is not in a table takes the role that is safe for its kind: a command or a question that is new is not open to
everybody by mistake.
"""

from bus.protocol.messages import CLOCK_MODULE, Ack, Beat, CommandRequest, ForkRequest, PrepareRequest, Refused
from bus.protocol.schema import Message
from bus.security.tokens import Caller, Role

COMMANDS: dict[tuple[str, str], Role] = {(CLOCK_MODULE, "set_policy"): Role.ADMIN}
"""(module, command) -> the role that it takes; any other command takes an operator."""

REQUESTS: dict[type[Message], Role] = {
    Ack: Role.NODE,
    Beat: Role.NODE,
    PrepareRequest: Role.NODE,
    ForkRequest: Role.OPERATOR,
}
"""Request on the bus -> the role that it takes; any other one changes nothing, and takes a viewer."""

LOOKING = ("presets", "preset_read", "runs", "channels", "history", "notes", "tick_at", "compare")
QUESTIONS: dict[str, Role] = {"preset_delete": Role.ADMIN, **dict.fromkeys(LOOKING, Role.VIEWER)}
"""Question of a dashboard's page -> the role that it takes; any other one takes an operator."""


def command_role(module: str, name: str) -> Role:
    """The role that a command takes."""
    return COMMANDS.get((module, name), Role.OPERATOR)


def request_role(request: Message) -> Role:
    """The role that a request on the bus takes."""
    if isinstance(request, CommandRequest):
        return command_role(request.module, request.name)
    return REQUESTS.get(type(request), Role.VIEWER)


def lacking(caller: Caller, needed: Role, what: str) -> str:
    """Why a caller may not do something; empty if it may.

    Args:
        caller: who asks.
        needed: the role that it takes.
        what: what it is, in words for people.
    """
    if caller.role >= needed:
        return ""
    who = f"{caller.name!r} has {caller.role.name.lower()}" if caller.name else "the caller is not known"
    return f"{what} needs the role {needed.name.lower()}, {who}"


def denied(request: Message, caller: Caller) -> Refused | None:
    """The refusal of a request on the bus that its sender may not make; None if it may."""
    # A command is refused under its id, by which its sender recognises the answer.
    what, name = (request.name, request.id) if isinstance(request, CommandRequest) else (type(request).__name__, "")
    reason = lacking(caller, request_role(request), what)
    return Refused(id=name, field="", reason=reason) if reason else None


def origin(request: CommandRequest, caller: Caller) -> str:
    """Who gave a command, as the journal has it.

    The plant's own doors say for whom they ask. What other programs write there is not believed: they are called by the
    names of their keys.
    """
    return request.origin if caller.role >= Role.NODE else f"bus:{caller.name}"
