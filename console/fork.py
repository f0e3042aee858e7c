"""`kpp fork`: a new run of the running plant that begins from a recorded moment of another one."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import CLOCK_MODULE, Forked, ForkRequest, Refused, Result
from bus.transport.client import command, sequence
from bus.transport.listener import Listener
from bus.transport.sockets import Dealer
from console.arguments import FOLDER
from console.recordings import require_run
from console.scenario_arguments import change
from recording.folder import RunFolder
from recording.track import Track

ORIGIN: Final = "kpp fork"
PATIENCE: Final = 120.0
"""Seconds that a module may take to compute the moment."""

ANSWER: Final = 10.0


class ForkError(ValueError):
    """A fork that could not be made; the text says why."""


def fork(given: argparse.Namespace) -> int:
    """Make the moment ready in every module, then begin the run."""
    endpoints = Endpoints.from_environment(os.environ)
    folder = require_run(given.data / FOLDER, given.run)
    changes = dict(change(text) for text in given.changes)
    scenarios = set()
    for module in endpoints.modules:
        seq = tick_at(folder, module.module, round(given.at * 1e6))
        for instance in module.instances:
            made = _make_ready(instance.snapshot, ForkRequest(run=folder.run, seq=seq))
            scenarios.add(made.scenario)
            sys.stdout.write(f"{made.module}.{instance.instance}: t = {made.t:g} s, digest {made.digest}\n")
    if len(scenarios) != 1:
        raise ForkError(f"the modules of run {given.run} were not at the same tick at {given.at:g} s")
    run = _begin(endpoints, scenarios.pop(), changes, start=given.start)
    sys.stdout.write(f"run {run} begins there\n")
    sys.stdout.flush()
    return 0


def tick_at(folder: RunFolder, module: str, t_us: int) -> int:
    """The newest tick of a module at or before a moment.

    Raises:
        ForkError: if none is recorded.
    """
    row = Track(folder, module, t_us).upto(t_us)
    if row is None or row.t_us > t_us:
        raise ForkError(f"nothing of module {module} is recorded at or before {t_us / 1e6:g} s of run {folder.run}")
    return row.seq


def _make_ready(address: str, request: ForkRequest) -> Forked:
    deadline = time.monotonic() + PATIENCE
    with Dealer(address) as dealer:
        while not dealer.send(codec.encode(request)):
            if time.monotonic() > deadline:
                raise ForkError(f"no module listens at {address}: is the plant running?")
            dealer.receive(0.01)
        payload = dealer.receive(deadline - time.monotonic())
    if payload is None:
        raise ForkError(f"the module at {address} did not answer in {PATIENCE:g} s")
    reply = codec.decode_module_reply(payload)
    if isinstance(reply, Refused):
        raise ForkError(reply.reason)
    if not isinstance(reply, Forked):
        raise ForkError(f"the module at {address} answered something else")
    return reply


def _begin(endpoints: Endpoints, scenario: str, changes: dict[str, Any], *, start: bool) -> str:
    """Reset the clock to the fork; returns the new run once every module has begun it."""
    with closing(Listener(endpoints, ("tick", "result/"))) as listener:
        _obeyed(endpoints, listener, "reset", {"scenario": scenario, "parameters": changes})
        begun = [_result(listener, lambda result: result.name == "begin") for _module in endpoints.modules]
        for result in begun:
            if result.outcome != "applied":
                raise ForkError(result.reason)
        if start:
            _obeyed(endpoints, listener, "start", {})
        return begun[0].run


def _obeyed(endpoints: Endpoints, listener: Listener, name: str, args: dict[str, Any]) -> None:
    request = command(CLOCK_MODULE, name, args, ORIGIN)
    sequence(endpoints, request)
    result = _result(listener, lambda result: result.id == request.id)
    if result.outcome != "applied":
        raise ForkError(result.reason)


def _result(listener: Listener, wanted: Callable[[Result], bool]) -> Result:
    deadline = time.monotonic() + ANSWER
    while (left := deadline - time.monotonic()) > 0:
        message = listener.receive(left)
        if isinstance(message, Result) and wanted(message):
            return message
    raise ForkError(f"no answer from the plant in {ANSWER:g} s")
