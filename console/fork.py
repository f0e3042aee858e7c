"""`kpp fork`: a new run of the running plant that begins from a recorded moment of another one."""

import argparse
import asyncio
import os
import sys
from typing import Any, Final

from bus.protocol.codec import decode_published
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Result
from bus.transport.client import Commander
from bus.transport.sockets import AsyncSubscriber
from catalog.data_folder import DataFolder
from catalog.forks import ForkPoint, NewRun, begin_fork, by_commander, recorded_moment
from console.scenario_arguments import change

ORIGIN: Final = "kpp fork"


def fork(given: argparse.Namespace) -> int:
    """Make the moment ready in every module, then begin the run; returns the exit code.

    Args:
        given: `run`, `at` (simulated time in s), `changes`, `start` and `data` of the command line.
    """
    endpoints = Endpoints.from_environment(os.environ)
    modules = [module.module for module in endpoints.modules]
    moment = recorded_moment(DataFolder(given.data).recordings, given.run, modules, given.at)
    changes = dict(change(text) for text in given.changes)
    new = asyncio.run(_begin(endpoints, moment, changes, start=given.start))
    names = [f"{module.module}.{instance.instance}" for module in endpoints.modules for instance in module.instances]
    for name, made in zip(names, new.made, strict=True):
        sys.stdout.write(f"{name}: t = {made.t:g} s, digest {made.digest}\n")
    sys.stdout.write(f"run {new.run} begins there\n")
    sys.stdout.flush()
    return 0


async def _begin(endpoints: Endpoints, moment: ForkPoint, changes: dict[str, Any], *, start: bool) -> NewRun:
    commander = Commander(endpoints)

    # Results are published, not sent: a command has an outcome only if somebody listens before it acts.
    async def listen(subscriber: AsyncSubscriber) -> None:
        while True:
            message = decode_published(*await subscriber.receive())
            if isinstance(message, Result):
                commander.heard(message)

    with AsyncSubscriber(endpoints.publishers(), [Result.TOPIC]) as subscriber:
        listening = asyncio.create_task(listen(subscriber))
        try:
            order = by_commander(commander, ORIGIN)
            return await begin_fork(endpoints, commander, moment, changes, order, start=start)
        finally:
            # Awaited, or asyncio would report a task that was destroyed while it was pending.
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
