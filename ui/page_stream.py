"""The data stream of the pages: one WebSocket route of the Panel server, and a packed frame for each page 20 times a
second.

A page acknowledges each frame after it has drawn it. A page that lags is skipped, and its next frame carries every
sample that it has missed; a hidden page gets nothing until it is shown again. So no page has a queue: what it lacks
follows from the number of the last sample that it was sent.

A page shows one plant module: the first one, unless the address of its stream names another.

Text to the page: `hello` once, then `note`, `geometry`, `alarms` and `command` when there is news; binary: `ui.frames`.
Text from the page: `ack <frames drawn since it connected>`, `hide`, `show`.
"""

import asyncio
import math
import threading
import time
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from bus.protocol.messages import Snapshot, State
from ui import displayed_channels, frames
from ui.frames import DisplayFrame
from ui.shown_plant import Plots, ShownPlant
from ui.status_payload import status_payload, vitals
from ui.trend_buffer import Samples

INTERVAL = 0.05
"""Seconds between two display frames."""

UNACKNOWLEDGED_MAX = 3
"""A page with more unacknowledged frames than this is skipped."""

COMMANDS_TOLD = 8
"""Newest entries about commands that a page gets when it connects."""

MESSAGE_MAX = 64
"""Longest text that a page may send, in characters."""

_ENCODE = msgspec.json.encode


@dataclass
class PageConnection:
    """What one page has been sent so far."""

    module: str
    """The module that it shows."""
    visible: bool = True
    sent: int = 0
    """Frames."""
    acknowledged: int = 0
    """Frames that it has drawn."""
    run: int = -1
    """Ordinal of the run of its newest frame."""
    sample: int = 0
    """Running number of the first sample that it lacks."""
    commands: int = 0
    """Running number of the first entry about commands that it lacks."""
    note: bytes = b""
    """The texts that it has, so that each is sent again only when it has changed."""
    geometry: bytes = b""
    alarms: bytes = b""

    @property
    def ready(self) -> bool:
        """True if the page is visible and keeps up."""
        return self.visible and self.sent - self.acknowledged <= UNACKNOWLEDGED_MAX


@dataclass(frozen=True)
class ModuleView:
    """Everything that there is to send of one module at one time, copied from the feed under its lock."""

    module: str
    run: int
    end: int
    state: State | None
    state_age: float | None
    clock_age: float | None
    note: bytes
    alarms: bytes
    commands: list[dict[str, Any]]
    commands_end: int


class PageStream:
    """Sends every page what it has not been sent yet. For one loop.

    Args:
        plant: what the feed knows; its thread changes it.
        lock: to be held while `plant` is read.
        hello: what every page is sent first.
    """

    def __init__(self, plant: ShownPlant, lock: threading.Lock, hello: dict[str, Any]) -> None:
        self._plant = plant
        self._lock = lock
        self.modules = tuple(plant.modules)
        self._hello = {**hello, "modules": self.modules}
        self._connections: dict[StreamHandler, PageConnection] = {}
        self._geometry: dict[str, bytes] = {}
        self._number = 0
        self._vitals: dict[str, dict[str, Any]] = {}
        self._vitals_due: dict[str, float] = {}
        self._replay: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def unacknowledged(self) -> int:
        """Frames that pages have been sent and have not drawn yet."""
        return sum(connection.sent - connection.acknowledged for connection in self._connections.values())

    def join(self, page: "StreamHandler", module: str, scenarios: list[str]) -> None:
        """Take in a page that has connected: it gets all that is kept of its module, then what is new.

        A page that asks for a module which does not exist gets a hello without a module, and nothing more: it says so
        on the page, and the user can choose another one.

        Args:
            page: its connection.
            module: that it wants to show.
            scenarios: names of those that a run can begin with.
        """
        known = module in self.modules
        if known:
            with self._lock:
                self._connections[page] = PageConnection(module, commands=max(0, self._plant.log.end - COMMANDS_TOLD))
        shown = module if known else None
        page.write_message(_ENCODE({**self._hello, "module": shown, "scenarios": scenarios}).decode())

    def leave(self, page: "StreamHandler") -> None:
        """Forget a page that has gone."""
        self._connections.pop(page, None)

    def said(self, page: "StreamHandler", text: str) -> None:
        """Take a message of a page: it has drawn a frame, was hidden or shown. Anything else is ignored."""
        connection = self._connections.get(page)
        if connection is None:
            return
        word, _, number = text.partition(" ")
        if word == "ack" and number.isdecimal():
            # Neither back nor beyond what was sent: a page that claims more would never count as lagging.
            connection.acknowledged = min(max(connection.acknowledged, int(number)), connection.sent)
        elif word in {"hide", "show"}:
            connection.visible = word == "show"
            connection.acknowledged = connection.sent  # browsers do not draw hidden pages, so these are never reported

    def geometry(self, snapshot: Snapshot) -> None:
        """Take the parameters in force in a module, from which the picture of the plant takes its dimensions."""
        self._geometry[snapshot.module] = _ENCODE(
            {"type": "geometry", "run": snapshot.run, "seq": snapshot.seq, "parameters": snapshot.parameters}
        )

    def forget_geometry(self, module: str) -> None:
        """Take note that the dimensions of a module are not known for the present run yet."""
        self._geometry.pop(module, None)

    def tell_replay(self, told: dict[str, Any] | None) -> None:
        """Take the state of the replay that this dashboard has started; None if there is none."""
        self._replay = told

    def send(self) -> None:
        """Send every page that is ready what is new to it."""
        ready = [(page, connection) for page, connection in self._connections.items() if connection.ready]
        if not ready:
            return
        self._number += 1
        oldest = min(connection.commands for _, connection in ready)
        views = {module: self._view(module, oldest) for module in {connection.module for _, connection in ready}}
        # Pages of the same module that keep up lack the same samples, and share one packed frame.
        packed: dict[tuple[str, int, int], bytes] = {}
        for page, connection in ready:
            view = views[connection.module]
            key = (connection.module, connection.run, connection.sample)
            if key not in packed:
                packed[key] = self._pack(view, connection)
            self._send_news(page, connection, view)
            connection.run, connection.sample = view.run, view.end
            connection.sent += 1
            page.send(packed[key])

    def _view(self, name: str, oldest_command: int) -> ModuleView:
        now = time.monotonic()
        with self._lock:
            plant = self._plant
            plots = plant.plots[name]
            # Once a second: rates change all the time, and with them the whole note would be sent 20 times a second.
            if now >= self._vitals_due.get(name, now):
                self._vitals[name], self._vitals_due[name] = vitals(plant, name, now), now + 1.0
            return ModuleView(
                module=name,
                run=plots.run,
                end=plots.history.end,
                state=plant.state(name),
                state_age=plant.modules[name].age(now),
                clock_age=plant.clock_age(now),
                note=_ENCODE({**status_payload(plant, name, now, self._vitals[name]), "replaying": self._replay}),
                alarms=_ENCODE(plant.alarm_list()),
                commands=plant.log.since(oldest_command),
                commands_end=plant.log.end,
            )

    def _send_news(self, page: "StreamHandler", connection: PageConnection, view: ModuleView) -> None:
        if connection.note != view.note:
            connection.note = view.note
            page.send(view.note.decode())
        geometry = self._geometry.get(connection.module, b"")
        if connection.geometry != geometry:
            connection.geometry = geometry
            page.send(geometry.decode() or '{"type":"geometry","run":"","seq":0,"parameters":null}')
        if connection.alarms != view.alarms:
            connection.alarms = view.alarms
            page.send(view.alarms.decode())
        missed = view.commands_end - connection.commands  # the view may go further back, for the sake of another page
        for entry in view.commands[-missed:] if missed else ():
            page.send(_ENCODE({"type": "command", **entry}).decode())
        connection.commands = view.commands_end

    def _pack(self, view: ModuleView, connection: PageConnection) -> bytes:
        # A second time, and only for the samples, which differ from page to page: held while everything is packed, the
        # lock would keep the feed from hearing.
        with self._lock:
            samples = self._samples(self._plant.plots[view.module], view, connection)
        state = view.state
        newest = [] if state is None else [*displayed_channels.series(state), *displayed_channels.readings(state)]
        loop = 1.0 if state is None else state.chain.loop_length
        floaters = None if state is None else state.floaters
        return frames.pack(
            DisplayFrame(
                number=self._number,
                wall=time.time(),
                state_wall=math.nan if state is None else state.wall,
                t=math.nan if state is None else state.t,
                state_age=math.nan if view.state_age is None else view.state_age,
                clock_age=math.nan if view.clock_age is None else view.clock_age,
                run=view.run,
                samples=samples,
                newest=np.array(newest, dtype=np.float32),
                position=np.array([] if floaters is None else floaters.position) / loop,
                fill=np.array([] if floaters is None else floaters.fill),
                air_mass=np.array([] if floaters is None else floaters.air_mass, dtype=np.float32),
                # None becomes NaN: an empty pocket has no temperature.
                temperature=np.array([] if floaters is None else floaters.temperature, dtype=np.float32),
            )
        )

    @staticmethod
    def _samples(plots: Plots, view: ModuleView, connection: PageConnection) -> Samples:
        # Since the view was taken the feed may have begun another run or added samples; those wait for the next frame.
        first = connection.sample if connection.run == view.run else 0
        kept = plots.history.since(first)
        count = max(0, view.end - kept.first) if plots.run == view.run else 0
        return Samples(kept.first, kept.t[:count], kept.values[:count])


class StreamHandler(WebSocketHandler):
    """The connection of one page."""

    def initialize(self, stream: PageStream, scenarios: Any) -> None:
        """Take what Tornado gives to each connection's handler."""
        self._stream = stream
        self._scenarios = scenarios

    def check_origin(self, origin: str) -> bool:  # noqa: ARG002  # of Tornado
        """Accept any origin: the access check has judged it already, with more names than Tornado knows of."""
        return True

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Begin to stream."""
        self.set_nodelay(True)  # a frame is smaller than a full packet, and would wait for the one before it
        module = self.get_query_argument("module", self._stream.modules[0])
        self._stream.join(self, module, self._scenarios())

    def on_message(self, message: str | bytes) -> None:
        """Take a message of the page; one that no page of ours sends ends the connection."""
        if isinstance(message, bytes) or len(message) > MESSAGE_MAX:
            self.close(1009, f"send text of at most {MESSAGE_MAX} characters")
            return
        self._stream.said(self, message)

    def on_close(self) -> None:
        """Forget the page."""
        self._stream.leave(self)

    def send(self, message: bytes | str) -> None:
        """Send without waiting; a page that has gone meanwhile is forgotten."""
        try:
            sending = self.write_message(message, binary=isinstance(message, bytes))
        except WebSocketClosedError:
            self._stream.leave(self)
        else:
            sending.add_done_callback(_gone)


def _gone(sending: asyncio.Future[None]) -> None:
    if not sending.cancelled():
        # Only looked at: otherwise asyncio logs an error for each page that is closed while it is being written to.
        sending.exception()
