"""Answers what a page asks beside its stream: presets, recordings, forks, replays, a comparison of hypotheses."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.endpoints import EndpointError, ModuleEndpoints
from bus.protocol.messages import (
    IDENTIFIER,
    Channels,
    ChannelsRequest,
    History,
    HistoryRequest,
    Notes,
    NotesRequest,
    RecorderRequest,
    Replay,
    ReplayRequest,
    Runs,
    RunsRequest,
)
from bus.protocol.schema import Message
from bus.security.roles import QUESTIONS, lacking
from bus.security.tokens import Caller, Role
from bus.transport.client import Commander, recorded
from bus.transport.request import Inquiry, NotAnsweredError, Patience, RefusedError, async_request
from catalog.forks import ForkPoint, MomentError, RejectedError, begin_fork, by_commander
from catalog.presets import PresetError, Presets
from kpp_physics.parameters import ParameterError
from ui.lab import Lab, LabError
from ui.replays import ReplayLaunchError, Replays

ANSWER_TIME = 5.0
"""Seconds that the clock gets for an answer: it reads a run that has ended from disk."""


REASONS = (
    EndpointError,
    FrameError,
    LabError,
    MomentError,
    NotAnsweredError,
    ParameterError,
    PresetError,
    RefusedError,
    RejectedError,
    ReplayLaunchError,
)
"""Errors whose text tells the user what is wrong; any other one is a defect and ends up in the log."""


class Question(Message, frozen=True):
    """A question of a page."""

    id: str
    """Made by the page; its answer has the same one."""
    ask: str
    """Which question, by its name in `Questions`."""
    module: str
    """Plant module that the page shows."""
    args: dict[str, Any]


class PageOrigin(NamedTuple):
    """Where a question comes from."""

    module: ModuleEndpoints
    """Plant module that the page shows."""
    origin: str
    """Who asks, as the clock's journal has it."""


class PageFork(Message, frozen=True):
    """A fork that a page asks for."""

    run: Annotated[str, Meta(pattern=IDENTIFIER)]
    """The run to fork."""
    seq: Annotated[int, Meta(ge=1)]
    """Tick of it at which the new run begins."""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    """Values that replace those of that tick."""
    id: str = ""
    """Id of the command that ends the present run; one is made if it is empty."""


class QuestionAnswer(Message, frozen=True):
    """The answer to a question: data, or the reason why there is none."""

    id: str
    ok: bool
    data: Any
    reason: str


class Questions:
    """Answers questions; a question that cannot be answered gets the reason.

    Args:
        commander: sends commands, and knows where the plant is.
        presets: named sets of parameters.
        lab: compares hypotheses.
        replays: plays recorded runs back.
    """

    def __init__(self, commander: Commander, presets: Presets, lab: Lab, replays: Replays) -> None:
        self._commander = commander
        self._endpoints = commander.endpoints
        self._presets = presets
        self._lab = lab
        self._replays = replays
        self._kinds: dict[str, Callable[[PageOrigin, dict[str, Any]], Awaitable[Any]]] = {
            "presets": self._list_presets,
            "preset_read": self._read_preset,
            "preset_save": self._save_preset,
            "preset_delete": self._delete_preset,
            "runs": self._runs,
            "channels": self._channels,
            "history": self._history,
            "notes": self._notes,
            "tick_at": self._tick_at,
            "fork": self._fork,
            "compare": self._compare,
            "replay": self._replay,
            "replay_end": self._replay_end,
        }

    async def answer(self, data: object, caller: Caller, origin: str) -> QuestionAnswer:
        """Answer a question, if the caller has the role for it.

        Args:
            data: what the page sent, unchecked.
            caller: who asks.
            origin: the same, as the clock's journal has it.
        """
        try:
            question = _from_page(data, Question)
        except FrameError as error:
            return QuestionAnswer("", False, None, str(error))
        kind = self._kinds.get(question.ask)
        if kind is None:
            return QuestionAnswer(question.id, False, None, f"ask: use one of {', '.join(self._kinds)}")
        # A question without a role of its own takes an operator: to forget one there must not open it to everybody.
        denied = lacking(caller, QUESTIONS.get(question.ask, Role.OPERATOR), question.ask)
        if denied:
            return QuestionAnswer(question.id, False, None, denied)
        try:
            asked = PageOrigin(self._endpoints.module(question.module), origin)
            return QuestionAnswer(question.id, True, await kind(asked, question.args), "")
        except REASONS as error:
            return QuestionAnswer(question.id, False, None, str(error))
        except KeyError as error:  # an argument that the question needs
            return QuestionAnswer(question.id, False, None, f"{error.args[0]}: is missing")

    async def _list_presets(self, _asked: PageOrigin, _args: dict[str, Any]) -> Any:
        return self._presets.names()

    async def _read_preset(self, _asked: PageOrigin, args: dict[str, Any]) -> Any:
        return self._presets.read(str(args["name"])).parameters.as_dict()

    async def _save_preset(self, _asked: PageOrigin, args: dict[str, Any]) -> Any:
        parameters = args["parameters"]
        if not isinstance(parameters, dict):
            raise PresetError("parameters: give values by name")
        name, new = str(args["name"]), args.get("new", False) is True

        def require(tag: str | None) -> None:
            if new and tag is not None:  # another page, or REST, has saved it since this page looked
                raise PresetError(f"a preset {name} exists by now: save it again to overwrite it")

        # In a thread: it waits for the disk, and for another process that holds the folder.
        await asyncio.to_thread(self._presets.write, name, parameters, require)
        return self._presets.names()

    async def _delete_preset(self, _asked: PageOrigin, args: dict[str, Any]) -> Any:
        await asyncio.to_thread(self._presets.delete, str(args["name"]))
        return self._presets.names()

    async def _runs(self, _asked: PageOrigin, args: dict[str, Any]) -> Any:
        return await self._recorder(codec.build(RunsRequest, {"before": args.get("before", "")}), Runs)

    async def _channels(self, asked: PageOrigin, args: dict[str, Any]) -> Any:
        found: list[Any] = []
        while True:
            fields = {"run": args.get("run", ""), "module": asked.module.module, "after": len(found)}
            # All channels together would be larger than a message may be.
            block = await self._recorder(codec.build(ChannelsRequest, fields), Channels)
            found += block["channels"]
            if len(found) >= block["total"] or not block["channels"]:
                return {"run": block["run"], "channels": found}

    async def _history(self, asked: PageOrigin, args: dict[str, Any]) -> Any:
        return await self._recorder(codec.build(HistoryRequest, {"module": asked.module.module, **args}), History)

    async def _notes(self, _asked: PageOrigin, args: dict[str, Any]) -> Any:
        return await self._recorder(codec.build(NotesRequest, args), Notes)

    async def _recorder(self, message: RecorderRequest, kind: type[Message]) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(await recorded(self._endpoints, message, kind))
        return plain

    async def _tick_at(self, _asked: PageOrigin, args: dict[str, Any]) -> Any:
        """The tick with which a run reached a simulated time, by the clock's run-length coded ticks.

        The clock is asked and not the recorder, which may lack rows; and not computed from the rate, because ticks of a
        pause advance nothing and the speed may have changed.
        """
        run, t, after = str(args["run"]), float(args["t"]), 0
        while True:
            message = codec.build(ReplayRequest, {"run": run, "after": after})
            asked = Inquiry("the clock", [self._endpoints.clock_control], message, codec.decode_clock_reply, Replay)
            reply = await async_request(asked, Patience(ANSWER_TIME))
            if not reply.spans:
                return {"seq": after}
            for span in reply.spans:
                # The margins are far below a microsecond, in which times are counted, and above what rounding makes.
                if span.dt > 0 and span.t + span.count * span.dt >= t - 1e-9:
                    return {"seq": span.first + max(0, math.ceil((t - span.t) / span.dt - 1e-6) - 1)}
            after = reply.spans[-1].first + reply.spans[-1].count - 1
            if after >= reply.last:
                return {"seq": after}

    async def _fork(self, asked: PageOrigin, args: dict[str, Any]) -> Any:
        """Begin a run from a tick of another one, the same tick for every module."""
        fork = _from_page(args, PageFork)
        moment = ForkPoint(fork.run, {module.module: fork.seq for module in self._endpoints.modules})
        order = by_commander(self._commander, asked.origin, fork.id)
        new = await begin_fork(self._endpoints, self._commander, moment, fork.parameters, order)
        made = next(each for each in new.made if each.module == asked.module.module)
        return {"run": new.run, "scenario": made.scenario, "t": made.t, "digest": made.digest}

    async def _compare(self, _asked: PageOrigin, args: dict[str, Any]) -> Any:
        return await self._lab.compare(args["parameters"])

    async def _replay(self, _asked: PageOrigin, args: dict[str, Any]) -> Any:
        await self._replays.start(str(args["run"]))

    async def _replay_end(self, _asked: PageOrigin, _args: dict[str, Any]) -> Any:
        await self._replays.stop()


M = TypeVar("M", bound=Message)


def _from_page(data: object, kind: type[M]) -> M:
    """What a page sent, checked.

    Raises:
        FrameError: naming the field that is wrong.
    """
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, ValueError) as error:
        raise FrameError(str(error)) from error
