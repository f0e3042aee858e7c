"""Plays a recorded run back on request: `kpp replay` as a child of the dashboard, one at a time.

The child is started without a shell, with a run id whose form was checked. It dies with the dashboard, however that
ends. Who may have it started is decided where all questions of a page are judged, see `questions`.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bus.protocol.endpoints import EndpointError, Endpoints, HttpAddress
from bus.protocol.messages import IDENTIFIER
from catalog.data_folder import DataFolder
from runtime.process import SUPERVISOR_PID, isolated
from runtime.replay_endpoints import replay_environment

LOG = "replay.log"
"""File with the output of the replay's processes, below `log` in KPP_DATA; each replay overwrites it."""

KNOCK_INTERVAL = 0.2
"""Seconds between two looks at whether the replay's dashboard can be reached."""

END_TIME = 12.0
"""Seconds that a replay gets to end its processes before it is killed."""

TAIL = 16_384
"""Bytes at the end of its output in which the reason of its end is looked for."""


class ReplayLaunchError(ValueError):
    """A replay that cannot be started; the text says why."""


class Replays:
    """Starts and ends the replay of this dashboard. For one loop.

    Args:
        data: the plant's data folder.
        tell: called with each change of the replay: its run, state ("starting", "playing" or "ended"), port of its
            dashboard, and the reason if it has ended by itself; None if there is no replay.
    """

    def __init__(self, data: DataFolder, tell: Callable[[dict[str, Any] | None], None]) -> None:
        self._data = data
        self._tell = tell
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self, run: str) -> None:
        """Play a run from its beginning; a replay that is being played ends.

        Raises:
            ReplayLaunchError: if the run id is malformed, or the addresses of the replay are.
        """
        if re.search(IDENTIFIER, run) is None:
            raise ReplayLaunchError(f"run: {run[:64]!r} is no run id: choose a run from the list")
        try:
            environ = replay_environment(os.environ)
            address = Endpoints.from_environment(environ).ui_http
        except EndpointError as error:
            raise ReplayLaunchError(str(error)) from error
        # Two pages may press at the same time: one after the other, or two replays would want the same addresses.
        async with self._turn:
            await self._end()
            log = self._data.log / LOG
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as output:
                self._process = await asyncio.create_subprocess_exec(
                    # "--": a run id may begin with a hyphen, and is no option.
                    *isolated("console", "replay", "--data", str(self._data.path), "--", run),
                    # With our id the child asks the kernel to end it when this process dies.
                    env={**os.environ, SUPERVISOR_PID: str(os.getpid())},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            self._watching = asyncio.create_task(self._watch(self._process, run, address, log))

    async def stop(self) -> None:
        """End the replay, if there is one."""
        async with self._turn:
            await self._end()
            self._tell(None)

    async def _end(self) -> None:
        # The watcher first, or it would report that the replay has ended by itself.
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        process, self._process, self._watching = self._process, None, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(END_TIME):
                await process.wait()
        except TimeoutError:
            process.kill()  # its children have asked the kernel to end with it
            await process.wait()

    async def _watch(self, process: asyncio.subprocess.Process, run: str, address: HttpAddress, log: Path) -> None:
        """Report when the replay's dashboard can be reached, and when the replay has ended by itself."""
        told = {"run": run, "port": address.port, "reason": ""}
        self._tell({**told, "state": "starting"})
        while process.returncode is None:
            if await _answers(address):
                self._tell({**told, "state": "playing"})
                break
            await asyncio.sleep(KNOCK_INTERVAL)
        code = await process.wait()
        self._tell({**told, "state": "ended", "reason": _reason(log) or f"exit code {code}: see log/{LOG}"})


async def _answers(address: HttpAddress) -> bool:
    host = "127.0.0.1" if address.host == "0.0.0.0" else address.host  # noqa: S104  # compared, not bound
    try:
        _, writer = await asyncio.open_connection(host, address.port)
    except OSError:
        return False
    writer.close()
    return True


def _reason(log: Path) -> str:
    """Why a replay has ended: the error of `kpp`, or of the first process that could not run; empty if unknown."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        lines = file.read().decode(errors="replace").splitlines()
    for line in lines:
        if line.startswith("kpp: "):
            return line.removeprefix("kpp: ")
        if line.startswith("{") and '"cannot run"' in line:
            said = json.loads(line)
            return f"{said['node']}: {said['reason']}"
    return ""
