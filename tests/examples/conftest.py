"""A plant as the examples see it: real sockets and schema-valid frames, but no physics."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from bus.protocol import codec
from bus.protocol.messages import CommandRequest, Refused, Result, Sequenced, State, Tick
from bus.transport.sockets import Publisher, Server
from tests.bus.samples import sample
from tests.ports import free_address

PATIENCE = 120.0
PACE = 0.002
"""Seconds between two frames of the plant."""


def state(seq: int, run: str = "r-1", module: str = "m1") -> tuple[bytes, bytes]:
    """A state frame whose powers tell its tick."""
    fields = sample(State) | {"t": seq / 100, "seq": seq, "run": run, "module": module}
    fields["grid"] = fields["grid"] | {
        "export_power": 14_000.0 + seq,
        "import_power": 45_000,
        "net_power": -31_000.0 + seq,
    }
    fields["compressor"] = fields["compressor"] | {"power": 44_604.4}
    fields["chain"] = fields["chain"] | {"speed": 1.25}
    return codec.encode_published(codec.build(State, fields))


def shown(seq: int) -> str:
    """What a subscriber prints of that frame."""
    return (
        f"t {seq / 100:.3f} s | tick {seq} | export {14 + seq / 1000:.3f} kW | import 45.000 kW (compressor 44.604 kW)"
        f" | net {-31 + seq / 1000:.3f} kW | chain 1.250 m/s"
    )


@pytest.fixture
def address() -> str:
    """Where the plant of a test publishes."""
    return free_address()


@dataclass
class Program:
    """A running example and the lines that it has printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def follow(self) -> None:
        """Collect its lines; in a thread of its own."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait_for(self, text: str) -> str:
        """The first line that contains the text."""

        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self.changed:
            self.changed.wait_for(found, PATIENCE)
            line = found()
        assert line is not None, f"{text!r} is not among {self.lines}"
        return line

    def ended(self) -> bool:
        """True once it has ended by itself; waits a moment, so that a loop over it has a pace."""
        try:
            self.process.wait(PACE)
        except subprocess.TimeoutExpired:
            return False
        return True


@pytest.fixture
def run() -> Iterator[Callable[..., Program]]:
    """A starter of examples; at the end none is left."""
    programs: list[tuple[Program, threading.Thread]] = []

    def start(command: list[str], *args: str) -> Program:
        process = subprocess.Popen(
            [*command, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        program = Program(process)
        thread = threading.Thread(target=program.follow)
        thread.start()
        programs.append((program, thread))
        return program

    yield start
    for program, thread in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait()
        thread.join()
        assert program.process.stdout is not None
        program.process.stdout.close()


@dataclass
class Clock:
    """A clock that sequences what it is asked and publishes the result given by the test."""

    control: str = field(default_factory=free_address)
    publish: str = field(default_factory=free_address)
    outcome: dict[str, object] = field(default_factory=dict)
    refusal: str = ""
    deaf: int = 0
    requests: list[CommandRequest] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        """Tick and answer until stopped; in a thread of its own."""
        tick = codec.build(Tick, sample(Tick) | {"commands": []})
        with Server(self.control) as server, Publisher(self.publish) as publisher:
            while not self._stop.is_set():
                publisher.send(codec.encode_published(tick))
                received = server.receive(PACE)
                if received is None:
                    continue
                peer, payload, _caller = received
                request = codec.decode_clock_request(payload)
                assert isinstance(request, CommandRequest)
                self.requests.append(request)
                if len(self.requests) <= self.deaf:
                    continue
                if self.refusal:
                    server.reply(peer, codec.encode(Refused(id=request.id, field="module", reason=self.refusal)))
                    continue
                server.reply(peer, codec.encode(Sequenced(id=request.id, run="r-1", seq=77)))
                fields = sample(Result) | {"id": request.id, "name": request.name, "t": 0.75} | self.outcome
                publisher.send((b"result/", b"\xc1"))  # garbage before the real one
                publisher.send(codec.encode_published(codec.build(Result, sample(Result))))  # of somebody else
                publisher.send(codec.encode_published(codec.build(Result, fields)))

    def stop(self) -> None:
        """End `serve`."""
        self._stop.set()


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock on free ports."""
    clock = Clock()
    thread = threading.Thread(target=clock.serve)
    thread.start()
    yield clock
    clock.stop()
    thread.join()
