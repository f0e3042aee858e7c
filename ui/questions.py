"""What a page asks of the server beside the stream: presets, recordings, forks, replays, a comparison of hypotheses."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.endpoints import EndpointError, Endpoints, ModuleEndpoints
from bus.protocol.messages import (
    ChannelsRequest,
    ForkRequest,
    HistoryRequest,
    NotesRequest,
    RecorderRequest,
    Refused,
    Replay,
    ReplayRequest,
    RunsRequest,
)
from bus.protocol.schema import Message
from bus.security.roles import QUESTIONS, lacking
from bus.security.tokens import Caller, Role
from bus.transport.client import NotAnsweredError, RefusedError
from ui.asking import ask
from ui.lab import Lab, LabError
from ui.presets import PresetError, Presets
from ui.replays import ReplayLaunchError, Replays

ANSWER_TIME = 5.0
"""Seconds within which a recorder answers; a long run is read from disk."""

FORK_TIME = 60.0
"""Seconds within which a module makes a moment ready: it may have to compute up to it."""


class Question(Message, frozen=True):
    """What a page wants to know."""

    id: str
    ask: str
    module: str
    """Plant module that the page shows."""
    args: dict[str, Any]


class QuestionAnswer(Message, frozen=True):
    """What it gets: data, or the reason why there is none."""

    id: str
    ok: bool
    data: Any
    reason: str


class Questions:
    """Answers questions; one that cannot be answered gets the reason.

    Args:
        endpoints: where the plant is.
        presets: named sets of parameters.
        lab: compares hypotheses.
        replays: plays recorded runs back.
    """

    def __init__(self, endpoints: Endpoints, presets: Presets, lab: Lab, replays: Replays) -> None:
        self._endpoints = endpoints
        self._presets = presets
        self._lab = lab
        self._replays = replays
        self._kinds: dict[str, Callable[[ModuleEndpoints, dict[str, Any]], Awaitable[Any]]] = {
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

    async def answer(self, data: object, caller: Caller) -> QuestionAnswer:
        """Answer what a page sent, if whoever sent it may ask that."""
        try:
            question = msgspec.convert(data, Question)
        except (msgspec.ValidationError, ValueError) as error:
            return QuestionAnswer("", False, None, str(error))
        kind = self._kinds.get(question.ask)
        if kind is None:
            return QuestionAnswer(question.id, False, None, f"ask: use one of {', '.join(self._kinds)}")
        denied = lacking(caller, QUESTIONS.get(question.ask, Role.OPERATOR), question.ask)
        if denied:
            return QuestionAnswer(question.id, False, None, denied)
        try:
            module = self._endpoints.module(question.module)
            return QuestionAnswer(question.id, True, await kind(module, question.args), "")
        except (
            EndpointError,
            PresetError,
            LabError,
            ReplayLaunchError,
            RefusedError,
            NotAnsweredError,
            FrameError,
        ) as error:
            return QuestionAnswer(question.id, False, None, str(error))
        except KeyError as error:
            return QuestionAnswer(question.id, False, None, f"{error.args[0]}: is missing")

    async def _list_presets(self, _module: ModuleEndpoints, _args: dict[str, Any]) -> Any:
        return self._presets.names()

    async def _read_preset(self, _module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        return self._presets.read(str(args["name"]))

    async def _save_preset(self, _module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        parameters = args["parameters"]
        if not isinstance(parameters, dict):
            raise PresetError("parameters: give values by name")
        new = args.get("new", False) is True
        await asyncio.to_thread(self._presets.save, str(args["name"]), parameters, new=new)  # it may have to wait
        return self._presets.names()

    async def _delete_preset(self, _module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        await asyncio.to_thread(self._presets.delete, str(args["name"]))
        return self._presets.names()

    async def _runs(self, _module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        return await self._recorder(codec.build(RunsRequest, {"before": args.get("before", "")}))

    async def _channels(self, module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        found: list[Any] = []
        while True:
            fields = {"run": args.get("run", ""), "module": module.module, "after": len(found)}
            block = await self._recorder(codec.build(ChannelsRequest, fields))
            found += block["channels"]
            if len(found) >= block["total"] or not block["channels"]:
                return {"run": block["run"], "channels": found}

    async def _history(self, module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        return await self._recorder(codec.build(HistoryRequest, {"module": module.module, **args}))

    async def _notes(self, _module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        return await self._recorder(codec.build(NotesRequest, args))

    async def _recorder(self, request: RecorderRequest) -> dict[str, Any]:
        reply = await ask([self._endpoints.recorder], request, codec.decode_recorder_reply, ANSWER_TIME, "the recorder")
        if isinstance(reply, Refused):
            raise RefusedError(reply)
        plain: dict[str, Any] = msgspec.to_builtins(reply)
        return plain

    async def _tick_at(self, _module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        """The tick after which a run had come to a simulated time: ticks of a pause advance nothing."""
        run, t, after = str(args["run"]), float(args["t"]), 0
        while True:
            request = codec.build(ReplayRequest, {"run": run, "after": after})
            address = [self._endpoints.clock_control]
            reply = await ask(address, request, codec.decode_clock_reply, ANSWER_TIME, "the clock")
            if isinstance(reply, Refused):
                raise RefusedError(reply)
            if not isinstance(reply, Replay) or not reply.spans:
                return {"seq": after}
            for span in reply.spans:
                if span.dt > 0 and span.t + span.count * span.dt >= t - 1e-9:
                    return {"seq": span.first + max(0, math.ceil((t - span.t) / span.dt - 1e-6) - 1)}
            after = reply.spans[-1].first + reply.spans[-1].count - 1
            if after >= reply.last:
                return {"seq": after}

    async def _fork(self, module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        """Have every process of every module make the moment ready: the run begins in all of them."""
        request = codec.build(ForkRequest, args)
        processes = [(each.module, instance) for each in self._endpoints.modules for instance in each.instances]
        replies = await asyncio.gather(
            *(
                ask([instance.snapshot], request, codec.decode_module_reply, FORK_TIME, f"module {name}")
                for name, instance in processes
            )
        )
        for reply in replies:
            if isinstance(reply, Refused):
                raise RefusedError(reply)
        return msgspec.to_builtins(next(reply for reply in replies if reply.module == module.module))

    async def _compare(self, _module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        return await self._lab.compare(args["parameters"])

    async def _replay(self, _module: ModuleEndpoints, args: dict[str, Any]) -> Any:
        await self._replays.start(str(args["run"]))

    async def _replay_end(self, _module: ModuleEndpoints, _args: dict[str, Any]) -> Any:
        await self._replays.stop()
