"""One chaos run: the real plant under supervisord, a plan of faults, a client, a subscriber, and the evidence."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bus.ordered.tick_log import TickLogError
from bus.protocol.endpoints import INSTANCES, Endpoints
from nodes.clock.journal import Journal
from nodes.clock.runs import SUFFIX, RunLogs
from nodes.supervision.programs import ModuleProgram
from tests.chaos import recorded
from tests.chaos.checker import Finding, check, unheard
from tests.chaos.client import Client
from tests.chaos.collector import Collector, DeafCollector, UnansweredCollector
from tests.chaos.history import Evidence, Journaled, Refused, Sequenced, Unanswered
from tests.chaos.injector import Delivered, Injector
from tests.chaos.kills import Kill, logged, of_healthy
from tests.chaos.plan import Fault, draw
from tests.chaos.processes import NoDiskError, small_disk
from tests.chaos.reference import fold
from tests.e2e.conftest import START_TIMEOUT, Plant, configuration, environment, launch, stop
from tests.starving import hogs
from tests.watching import PATIENCE, eventually

INJECT = Path(__file__).parent / "inject"
DISK_MEBIBYTES = 512
RESERVE = 16 << 20
"""Bytes of it that the recorder leaves free."""
MODULE = "m1"
LEADER, STANDBY = (ModuleProgram(MODULE, instance).name for instance in INSTANCES)
NODES = ("clock", LEADER, "gateway_0", "gateway_1", "stream_0", "stream_1", "ui", "recorder", "watchdog")
"""Every process of the plant but the hot standby."""

RECORDED_WITHIN = 60.0
"""Seconds after the last command within which a subscriber and the recorder have everything."""

TOLD_EVERY = 10.0
"""Seconds from one line of progress to the next."""

SETTLE_TIMEOUT = 90.0
"""Seconds after the last fault until the plant must be healthy: a sixth kill in a minute has to wait for the next."""


@dataclass(frozen=True)
class Chaos:
    """What a run is made from."""

    seed: int
    faults: int
    rate: float = 1.8
    standby: bool = False
    hogs: int = 0
    """Programs beside the plant that use up the processors."""
    controls: bool = False
    """Whether two subscribers are run beside the real one that must lose something."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Programs that are hit."""
        return (*NODES, STANDBY) if self.standby else NODES


@dataclass(frozen=True)
class Outcome:
    """What a run has shown."""

    chaos: Chaos
    no_disk: str
    """Why the disk could not be filled, empty when it could."""
    plan: list[Fault]
    delivered: list[Delivered]
    missed: list[Fault]
    client: Client
    collector: Collector
    evidence: Evidence
    findings: list[Finding]
    controls: dict[str, list[Finding]]
    """What the checker has found in the recordings of subscribers that cannot keep theirs whole."""
    seconds: float
    kills: list[Kill]
    """Those whom the watchdog and its guard have ended."""

    @property
    def kills_of_healthy(self) -> list[Kill]:
        """Those of them that nothing had made hang."""
        return of_healthy(self.kills, self.delivered)

    def figures(self) -> dict[str, object]:
        """Figures of the run as plain values."""
        history = self.client.history
        sequenced = {said.id for said in history if isinstance(said, Sequenced)}
        kinds = Counter(each.fault.kind for each in self.delivered)
        latencies = sorted(self.client.latencies) or [0.0]
        recording = self.evidence.recording
        silences = [seconds for _when, seconds in self.collector.silences]
        return {
            "seed": self.chaos.seed,
            "standby": self.chaos.standby,
            "hogs": self.chaos.hogs,
            "kills": len(self.kills),
            "kills_of_healthy": len(self.kills_of_healthy),
            "seconds": round(self.seconds),
            "faults": len(self.delivered),
            "by_kind": dict(sorted(kinds.items())),
            "by_node": dict(sorted(Counter(each.fault.target for each in self.delivered).items())),
            "disk": self.no_disk or "filled",
            "commands_sequenced": len(sequenced),
            "commands_repeated": self.client.repeats,
            "commands_refused": len({said.id for said in history if isinstance(said, Refused)} - sequenced),
            "requests_unanswered": sum(isinstance(said, Unanswered) for said in history),
            "command_latency_p50": round(median(latencies), 4),
            "command_latency_p99": round(latencies[len(latencies) * 99 // 100], 3),
            "command_latency_max": round(latencies[-1], 3),
            "ticks": len(recording.ticks),
            "states": len(recording.states),
            "events": len(recording.events),
            "policy_stops": sum(event.kind == "policy" for event in recording.events),
            "runs": len({tick.run for tick in recording.ticks}),
            "recorded": len(self.evidence.recorded or {}),
            "repaired": self.collector.repaired,
            "could_not_be_had": self.collector.refused,
            "longest_without_tick": round(max(silences, default=0.0), 2),
            "share_without_tick": round(sum(silences) / self.seconds, 3),
            "results_unheard": len(unheard(self.evidence)),
            "controls": {name: dict(Counter(each.fault for each in found)) for name, found in self.controls.items()},
            "lost": sum(finding.fault == "lost" for finding in self.findings),
            "doubled": sum(finding.fault == "doubled" for finding in self.findings),
            "different": sum(finding.fault == "different" for finding in self.findings),
        }


Tell = Callable[[str], object]
"""What is told of how far a run has come."""


def run(chaos: Chaos, folder: Path, logs: Path | None = None, tell: Tell = lambda _line: None) -> Outcome:
    """Carry out one run with its files under `folder`, which is made; its logs are kept in `logs` if that is given.

    `tell` is called with a line of progress every ten seconds.

    Raises:
        AssertionError: if the plant does not come up, or not back after the last fault; the logs are then kept beside
            `folder`, in one whose name ends in "-failed".
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _disk(folder) as no_disk, hogs(chaos.hogs):
        plan = draw(chaos.seed, chaos.targets, chaos.faults, chaos.rate, disk=not no_disk)
        return _run(chaos, folder, no_disk, plan, logs, tell)


@contextmanager
def _disk(folder: Path) -> Iterator[str]:
    """A small disk at `folder`; gives the reason if there can be none."""
    try:
        context = small_disk(folder, DISK_MEBIBYTES)
        context.__enter__()
    except NoDiskError as error:
        yield f"no disk of its own to fill: {error}"
        return
    try:
        yield ""
    finally:
        context.__exit__(None, None, None)


def _run(chaos: Chaos, folder: Path, no_disk: str, plan: list[Fault], logs: Path | None, tell: Tell) -> Outcome:
    env = {
        **environment(folder, instances=2 if chaos.standby else 1),
        "PYTHONPATH": str(INJECT),
        "KPP_RECORDER_RESERVE": str(RESERVE),
    }
    config, output, endpoints = configuration(folder, "-P"), folder / "output.txt", Endpoints.from_environment(env)
    collector = Collector(endpoints)
    controls = [DeafCollector(endpoints), UnansweredCollector(endpoints)] if chaos.controls else []
    collectors = [collector, *controls]
    for each in collectors:
        each.start()
    begin = time.monotonic()
    process = launch(config, env, output)
    plant = Plant(process, config, env, endpoints, output)
    client = Client(endpoints, chaos.seed, MODULE)
    try:
        eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
        client.certainly("chaos-start", "clock", "start", {}, 10)
        injector = Injector(plan, process.pid, folder)
        client.start()
        injector.start()
        while injector.is_alive():
            injector.join(TOLD_EVERY)
            hit, ticks = len(injector.delivered), len(collector.recording.ticks)
            tell(f"{hit} of {len(plan)} faults delivered, {ticks} ticks heard")
        eventually(plant.healthy, SETTLE_TIMEOUT, f"the plant is healthy after the last fault of seed {chaos.seed}")
        client.stop()
        last = client.certainly("chaos-end", MODULE, "set_parameters", {"drag_area": 0.5}, 30)
        # Otherwise it would fill its small disk with what nobody compares, for as long as the comparison takes.
        client.certainly("chaos-pause", "clock", "pause", {}, 30)
        within = RECORDED_WITHIN * (PATIENCE if chaos.hogs else 1.0)
        _settle(collector, last, within)
        for each in collectors:
            each.stop()
        end = (last.run, last.seq)
        recording = collector.recording.until(*end)
        tell(f"comparing {len(recording.states)} states with a run that nothing happens to")
        reference = fold(recording.ticks, MODULE)
        on_disk = recorded.digests(folder / "var", MODULE, reference.digests.keys(), within)
    except BaseException as error:
        _keep_logs(folder, plant, error)
        raise
    finally:
        for each in collectors:
            each.stop()
        stop(process)
    if logs is not None:
        _note(logs, folder, collector, injector)
    journal, lasts = _on_disk(folder)
    evidence = Evidence(client.history, journal, recording, reference, end, lasts, on_disk)
    return Outcome(
        chaos, no_disk, plan, injector.delivered, injector.missed, client, collector, evidence, check(evidence),
        {
            type(each).__name__: check(replace(evidence, recording=each.recording.until(*end), recorded=None))
            for each in controls
        },
        time.monotonic() - begin,
        logged(folder),
    )  # fmt: skip


def _keep_logs(folder: Path, plant: Plant, error: BaseException) -> None:
    """Copy what tells of a failure from the small disk, which goes with the run."""
    kept = folder.with_name(f"{folder.name}-failed")
    shutil.copytree(folder / "var" / "log", kept)
    pages = [(plant.endpoints.clock_http, "/health"), (plant.endpoints.gateway_http, "/health")]
    answers = [plant.get(address, path) for address, path in pages]
    usage = shutil.disk_usage(folder)
    told = [f"{error!r}", f"{usage}", *("no answer" if each is None else each.text for each in answers)]
    (kept / "failure.txt").write_text("\n".join(told))
    shutil.copy(folder / "output.txt", kept)


def _note(logs: Path, folder: Path, collector: Collector, injector: Injector) -> None:
    """Keep the logs, and a timeline of what hit and of the times without a tick."""
    shutil.copytree(folder / "var" / "log", logs, dirs_exist_ok=True)
    lines = [
        (injector.begin + each.at, f"{each.fault.kind} {each.fault.target} {each.pid}") for each in injector.delivered
    ]
    lines += [(when, f"a tick again after {seconds:.2f} s") for when, seconds in collector.silences]
    wall = time.time() - time.monotonic()
    text = "".join(f"{datetime.fromtimestamp(wall + when, UTC):%H:%M:%S.%f} {what}\n" for when, what in sorted(lines))
    (logs / "timeline.txt").write_text(text)


def _settle(collector: Collector, last: Sequenced, within: float) -> None:
    """Wait for the last command to be heard; what does not come is the checker's business."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline and not collector.has_state(last.run, last.seq):
        time.sleep(0.05)


def _on_disk(folder: Path) -> tuple[list[Journaled], dict[str, int]]:
    """The journal's commands, and the last tick of each run."""
    journal = Journal(folder / "var" / "journal.sqlite")
    try:
        runs = RunLogs(folder / "var" / "runs", journal.commands)
        names = sorted(path.stem for path in (folder / "var" / "runs").glob(f"*{SUFFIX}"))
        rows = [Journaled(name, seq, command) for name in names for seq, command in journal.commands(name)]
        return rows, {name: _last(runs, name) for name in names}
    finally:
        journal.close()


def _last(runs: RunLogs, name: str) -> int:
    try:
        run = runs.read(name)
    except TickLogError:  # of a run for which there was no room: none of its ticks was sent
        return 0
    return 0 if run is None else run.last


def scratch() -> Path:
    """A folder for one run, on a real disk unless the temporary folder is none."""
    return Path(os.environ.get("TMPDIR", "/tmp")) / f"kpp-chaos-{os.getpid()}-{time.monotonic_ns()}"  # noqa: S108
