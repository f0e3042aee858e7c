"""What the gateway answers: the shape of each answer, declared once, and how it follows from the view of the plant."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Literal

from msgspec import structs
from pydantic import BaseModel, Field

from bus.protocol.messages import AlarmState, Mode, Policy
from bus.protocol.schema import PROTOCOL_VERSION
from bus.view.roster import NodeHealth, health_of
from nodes.gateway.core import Missing, Plant
from nodes.gateway.problems import MissingAnswer, Problem, ProblemError
from nodes.gateway.version import version

BackendHealth = Literal["ok", "degraded", "down"]


class ModuleAnswer(BaseModel):
    """One plant module as the gateway hears it."""

    fresh: bool = Field(description="true if a state frame came in the last second")
    age: float | None = Field(description="age of the newest state frame (s), null if there is none")
    run: str | None = Field(description="run of the newest state frame")
    tick: int | None = Field(description="tick of the newest state frame")
    simulated_time: float | None = Field(description="simulated time of the newest state frame (s)")


class StatusAnswer(BaseModel):
    """The plant as the gateway hears it. What is not known is null."""

    backend_status: BackendHealth = Field(
        description="ok: all is heard; degraded: some is missing; down: nothing is heard"
    )
    missing: list[str] = Field(description="what is not heard", examples=[["physics m1"]])
    engine_initialized: bool = Field(description="every module has shown a state in the present run")
    engine_running: bool = Field(description="fresh state frames come from every module")
    has_data: bool = Field(description="there is a state to show")
    simulation_running: bool = Field(description="the clock is heard, its mode is running, and nothing is held")
    version: str = Field(description="version of the program")
    protocol_version: int = Field(description="version of topics, frames and field names")
    run: str | None = Field(description="id of the present run")
    replay: str | None = Field(description="recorded run that is played back here; null from a plant")
    mode: Mode | None = Field(description="stopped, running or paused")
    simulated_time: float | None = Field(description="since the start of the run (s)")
    tick: int | None = Field(description="number of the newest tick")
    speed: float | None = Field(description="requested simulated seconds per second")
    achieved_speed: float | None = Field(description="measured by the clock in its last report")
    flat_out: bool | None = Field(description="true when running as fast as possible")
    held: list[str] = Field(description="modules that simulated time waits for")
    scenario: str | None = Field(description="scenario of the run")
    data_age: float | None = Field(description="age of the oldest of the modules' newest frames (s)")
    clients_connected: int = Field(description="WebSocket clients of this gateway")
    gaps: dict[str, int] = Field(description="messages that were lost and cannot be had any more, by topic")
    repaired: int = Field(description="messages that were lost on the way and came when asked for")
    bad_frames: int = Field(description="malformed frames from the bus, counted and dropped")
    old_frames: int = Field(description="frames from the bus that were overtaken, counted and dropped")
    modules: dict[str, ModuleAnswer] = Field(description="by name")


class HelloAnswer(BaseModel):
    """What the WebSocket server says at /."""

    message: str = Field(description="for people")
    version: str = Field(description="version of the program")
    protocol_version: int = Field(description="version of topics, frames and field names")
    status: BackendHealth = Field(description="as backend_status")
    missing: list[str] = Field(description="what is not heard")
    clients_connected: int = Field(description="WebSocket clients of this gateway")
    current_tick: int | None = Field(description="number of the newest tick, null before the first")
    run: str | None = Field(description="id of the present run")
    replay: str | None = Field(description="recorded run that is played back here; null from a plant")
    mode: Mode | None = Field(description="stopped, running or paused")
    simulated_time: float | None = Field(description="since the start of the run (s)")
    subprotocols: list[str] = Field(description="what /ws speaks; the first is the default")


class HealthAnswer(BaseModel):
    """The gateway hears the clock and every module."""

    status: Literal["ok"] = "ok"


class AppliedAnswer(BaseModel):
    """A command acted."""

    outcome: Literal["applied"] = "applied"
    command: str = Field(description="name of the command", examples=["start"])
    id: str = Field(description="its id, the Idempotency-Key if one was sent")
    run: str = Field(description="run in which it acted")
    seq: int = Field(description="tick at which it acted")
    t: float = Field(description="simulated time at which it acted (s)")
    applied: dict[str, Any] = Field(description="what is in force now")


class ParameterAnswer(BaseModel):
    """One parameter: its declaration and its value in force."""

    name: str = Field(examples=["water_depth"])
    symbol: str = Field(description="as in the equations", examples=["H"])
    unit: str = Field(description='"-" for a plain number or a choice', examples=["m"])
    value: float | int | str | bool | None = Field(description="in force now; null if the module does not know it")
    default: float | int | str = Field(description="as declared")
    min: float | None = Field(description="lowest value allowed")
    max: float | None = Field(description="highest value allowed")
    choices: list[str] = Field(description="values allowed, for a choice")
    flag: str = Field(description="source: D derived, P inherited, S published, A assumption, - a choice of operation")
    text: str = Field(description="meaning")
    kind: Literal["built", "condition", "setting", "environment"] = Field(
        description="what may change it: built with a new run or a fork only, the others in a run"
    )
    ramp: float | None = Field(description="largest change per second in a run, in its unit; null for a step")
    structural: bool = Field(description="true if it is built and cannot change in a run")
    forkable: bool = Field(description="true if a fork may begin with another value")


class ParametersAnswer(BaseModel):
    """Every parameter of one module."""

    run: str
    scenario: str
    module: str
    seq: int = Field(description="tick of these values")
    parameters: list[ParameterAnswer]


class ScenarioAnswer(BaseModel):
    """A complete parameter set by name."""

    name: str
    text: str = Field(description="first comment line of its file")


class ScenariosAnswer(BaseModel):
    """The scenarios that there are."""

    scenarios: list[ScenarioAnswer]


class EventAnswer(BaseModel):
    """Something worth a line in a log."""

    t: float = Field(description="simulated time (s)")
    seq: int = Field(description="tick")
    run: str
    wall: float = Field(description="Unix time of sending (s)")
    module: str
    severity: Literal["info", "warning", "alarm", "fault"]
    kind: str = Field(description="what it is about")
    text: str = Field(description="for people")


class EventsAnswer(BaseModel):
    """Events of the plant."""

    events: list[EventAnswer] = Field(description="oldest first")


class AlarmAnswer(BaseModel):
    """One alarm in the manner of ISA-18.2."""

    id: str = Field(description="module or node, and condition", examples=["m1.trip"])
    module: str = Field(description="plant module, or the node that tells of it", examples=["m1"])
    priority: Literal["high", "low"] = Field(
        description="high: trips, emergency stops, faults and what a node has found; low: warnings, a degraded node"
    )
    text: str = Field(description="for people", examples=["tripped: receiver pressure"])
    state: AlarmState = Field(
        description="unacknowledged: active and not seen; acknowledged: active and seen; "
        "returned_unacknowledged: gone, but nobody has seen it"
    )
    active: bool = Field(description="true while its condition is there")
    first_out: bool = Field(description="true if none of its module or node was active when it came")
    raised_seq: int = Field(description="tick at which it came; 0 if that was before the run was forked")
    raised_t: float = Field(description="simulated time of that tick (s); below 0 before the run was forked")
    value: float | None = Field(description="what was measured, in `unit`; null where nothing is", examples=[712000.0])
    limit: float | None = Field(
        description="what was passed, in `unit`; null where nothing is measured, such as for an emergency stop",
        examples=[700000.0],
    )
    unit: str = Field(description="SI unit of the limit, empty for a share", examples=["Pa"])
    cleared_t: float | None = Field(description="simulated time at which it went (s), null while active")
    acknowledged_t: float | None = Field(description="simulated time at which it was acknowledged (s)")
    acknowledged_by: str | None = Field(description="who acknowledged it")


class AlarmsAnswer(BaseModel):
    """Alarms of the present run."""

    run: str | None
    alarms: list[AlarmAnswer] = Field(description="oldest first")


class NodeAnswer(BaseModel):
    """One process of the plant, as the clock hears it."""

    node: str = Field(examples=["physics"])
    instance: str = Field(examples=["pid-4711"])
    pid: int = Field(description="process id")
    status: str = Field(description="what it says of itself")
    health: NodeHealth = Field(
        description="silent: no beat for 2 s; starting: it loads or compiles; fault: it cannot go on, or found what "
        "must not be; degraded: it cannot do all of its work, or works off what it missed; "
        "unknown: its version reports none"
    )
    seq: int = Field(description="last tick that it has worked off")
    behind: int = Field(description="ticks between that and the newest one")
    age: float = Field(description="time since its last beat (s)")
    queue: int = Field(description="messages that wait in it for their turn")
    restarts: int | None = Field(
        description="starts in the place of another process since its supervisor began, null if nobody counts"
    )


class LatenessAnswer(BaseModel):
    """How late ticks left in the last interval of the clock's report."""

    p50: float = Field(description="median (s)")
    p99: float = Field(description="99th percentile (s)")
    max: float = Field(description="worst (s)")


class NodesAnswer(BaseModel):
    """Every process that the clock hears of."""

    run: str | None
    lateness: LatenessAnswer | None = Field(description="of ticks; null when none was on a schedule")
    deadlines_missed: int | None = Field(description="ticks left out because their time had passed")
    held_time: float | None = Field(description="wall time that simulated time waited for modules (s)")
    unrecorded: dict[str, int] = Field(
        description="clock or module -> ticks of it that are published and not on disk yet; empty while no "
        "recorder is heard",
        examples=[{"clock": 4, "m1": 5}],
    )
    nodes: list[NodeAnswer]


class CommandAnswer(BaseModel):
    """One command of the plant, whoever gave it."""

    id: str
    module: str = Field(description='addressee: "clock", a plant module, or "*"')
    name: str = Field(examples=["set_parameters"])
    args: dict[str, Any] = Field(description="arguments by name")
    origin: str = Field(description="who gave it: node, page or user")
    run: str
    seq: int = Field(description="tick at which it acted")
    t: float | None = Field(description="simulated time at which it acted (s), null while its result is not known")
    wall: float | None = Field(description="Unix time of that tick (s), null for what was before this gateway began")
    outcome: Literal["applied", "rejected"] | None = Field(description="null while its result is not known")
    reason: str = Field(description="why it was rejected")
    applied: dict[str, Any] | None = Field(description="what came into force")


class CommandsAnswer(BaseModel):
    """The audit log."""

    commands: list[CommandAnswer] = Field(description="newest first")


class TimeAnswer(BaseModel):
    """Simulated time."""

    run: str | None = Field(description="id of the present run")
    replay: str | None = Field(description="recorded run that is played back here; null from a plant")
    mode: Mode | None = Field(description="stopped, running or paused")
    simulated_time: float | None = Field(description="since the start of the run (s)")
    tick: int | None = Field(description="number of the newest tick")
    tick_rate: int | None = Field(description="ticks per second (Hz)")
    speed: float | None = Field(description="requested simulated seconds per second")
    achieved_speed: float | None = Field(description="measured by the clock in its last report")
    flat_out: bool | None = Field(description="true when running as fast as possible")
    held: list[str] = Field(description="modules that simulated time waits for")
    policy: Policy | None = Field(description="what happens when a module is late")
    held_time: float | None = Field(description="wall time that simulated time has waited (s)")
    owed_time: float | None = Field(description="simulated time that policy catch_up has still to make up for (s)")
    problems: list[str] = Field(description="what the clock cannot do now")


class RunAnswer(BaseModel):
    """One run."""

    run: str = Field(description="its id", examples=["0001-001"])
    scenario: str | None = Field(description="null until the clock's next report")
    present: bool = Field(description="true for the run that the plant is in")
    first_heard: float = Field(description="simulated time at which this gateway first heard of it (s)")
    simulated_time: float = Field(description="newest simulated time heard (s)")
    tick: int = Field(description="newest tick heard")


class RunsAnswer(BaseModel):
    """Runs that this gateway has heard of since it began to listen."""

    runs: list[RunAnswer] = Field(description="the present one first")
    next: str | None = Field(description="ask again with this as `before` for older ones; null at the end")


class DeclarationAnswer(BaseModel):
    """One parameter as the model declares it."""

    name: str = Field(examples=["water_depth"])
    symbol: str = Field(description="as in the equations", examples=["H"])
    unit: str = Field(description='"-" for a plain number or a choice', examples=["m"])
    default: float | int | str = Field(description="as declared")
    min: float | None = Field(description="lowest value allowed")
    max: float | None = Field(description="highest value allowed")
    choices: list[str] = Field(description="values allowed, for a choice")
    flag: str = Field(description="source: D derived, P inherited, S published, A assumption, - a choice of operation")
    text: str = Field(description="meaning")
    kind: Literal["built", "condition", "setting", "environment"] = Field(
        description="what may change it: built with a new run or a fork only, the others in a run"
    )
    ramp: float | None = Field(description="largest change per second in a run, in its unit; null for a step")
    structural: bool = Field(description="true if it is built and cannot change in a run")
    forkable: bool = Field(description="true if a fork may begin with another value")


class DeclarationsAnswer(BaseModel):
    """Every parameter that there is."""

    parameters: list[DeclarationAnswer]


class ValidAnswer(BaseModel):
    """These values would be taken."""

    valid: Literal[True] = True
    in_run: bool = Field(description="true if they may change in the present run; false if they need a new one")
    in_fork: bool = Field(description="true if a fork of the present run may begin with them")
    structural: list[str] = Field(description="those that need a new run or a fork")
    parameters: dict[str, float | int | str] = Field(description="the values as they would be in force")


class PresetsAnswer(BaseModel):
    """The presets that there are."""

    presets: list[str]


class PresetAnswer(BaseModel):
    """One named set of parameters."""

    name: str = Field(examples=["deep-water"])
    parameters: dict[str, float | int | str] = Field(description="every parameter by name")


class DifferenceAnswer(BaseModel):
    """One parameter that differs."""

    name: str = Field(examples=["water_depth"])
    unit: str = Field(examples=["m"])
    left: float | int | str = Field(description="in the preset")
    right: float | int | str = Field(description="in what it is compared with")


class ComparisonAnswer(BaseModel):
    """A preset against another one, or against the values in force."""

    left: str = Field(description="the preset")
    right: str | None = Field(description="the other preset; null for the values in force")
    differences: list[DifferenceAnswer]


class ControlsAnswer(BaseModel):
    """What the operator sets, as it is in force."""

    run: str
    module: str
    seq: int = Field(description="tick of these values")
    plc_state: str | None = Field(description="state of the plant's controller, null before the first state")
    settings: dict[str, float | int | str | bool | None] = Field(description="by the names of the parameters")


def events(
    plant: Plant,
    limit: int = 200,
    after: int = 0,
    run: str | None = None,
    module: str | None = None,
    severities: Collection[str] = (),
) -> EventsAnswer:
    """The newest of the events that are kept and wanted."""
    found = [
        EventAnswer(**structs.asdict(event))
        for event in plant.events
        if event.seq > after
        and run in {None, event.run}
        and module in {None, event.module}
        and (not severities or event.severity in severities)
    ]
    return EventsAnswer(events=found[-limit:])


def alarms(plant: Plant) -> AlarmsAnswer:
    """The alarms that ask for attention."""
    found = [AlarmAnswer(**structs.asdict(alarm)) for alarm in plant.alarms()]
    return AlarmsAnswer(run=plant.run, alarms=found)


def nodes(plant: Plant) -> NodesAnswer:
    """Who the clock hears of."""
    report = plant.status
    late = report.lateness if report else None
    newest = plant.tick.seq if plant.tick else 0
    found = [
        NodeAnswer(
            **structs.asdict(peer) | {"health": health_of(peer)},
            behind=max(0, newest - peer.seq),
        )
        for peer in plant.peers
    ]
    return NodesAnswer(
        run=plant.run,
        lateness=LatenessAnswer(**structs.asdict(late)) if late else None,
        deadlines_missed=report.deadlines_missed if report else None,
        held_time=report.held_time if report else None,
        unrecorded=report.unrecorded if report else {},
        nodes=sorted(found, key=lambda node: (node.node, node.instance)),
    )


def commands(plant: Plant, count: int) -> CommandsAnswer:
    """The audit log."""
    return CommandsAnswer(commands=[CommandAnswer(**asdict(entry)) for entry in plant.commands.newest(count)])


def clock_time(plant: Plant) -> TimeAnswer:
    """Simulated time as the newest tick has it."""
    tick, report = plant.tick, plant.status
    return TimeAnswer(
        run=plant.run,
        replay=_replay(plant),
        mode=tick.mode if tick else None,
        simulated_time=tick.t if tick else None,
        tick=tick.seq if tick else None,
        tick_rate=tick.rate if tick else None,
        speed=tick.speed if tick else None,
        achieved_speed=report.achieved_speed if report else None,
        flat_out=tick.flat_out if tick else None,
        held=tick.held if tick else [],
        policy=report.policy if report else None,
        held_time=report.held_time if report else None,
        owed_time=report.owed_time if report else None,
        problems=report.problems if report else [],
    )


def runs(plant: Plant, before: str | None, limit: int) -> RunsAnswer:
    """A page of the runs heard of, the newest first.

    Raises:
        ProblemError: 404 for a cursor that stands for no run.
    """
    heard = list(reversed(plant.runs.values()))
    names = [item.run for item in heard]
    if before is not None and before not in names:
        raise ProblemError(Problem.of(404, "run", f"no run {before!r} was heard of", known=names[:10]))
    first = 0 if before is None else names.index(before) + 1
    page = heard[first : first + limit]
    return RunsAnswer(
        runs=[
            RunAnswer(
                run=item.run,
                scenario=item.scenario,
                present=item.run == plant.run,
                first_heard=item.first_t,
                simulated_time=item.last_t,
                tick=item.last_seq,
            )
            for item in page
        ],
        next=page[-1].run if page and first + limit < len(heard) else None,
    )


def health(plant: Plant, missing: list[Missing]) -> BackendHealth:
    """ok when nothing is missing, down when everything is."""
    if not missing:
        return "ok"
    return "degraded" if len(missing) <= len(plant.modules) else "down"


def missing_answers(missing: list[Missing], wall: float) -> list[MissingAnswer]:
    """What is missing, with ages turned into Unix times by the time `wall` of asking."""
    return [
        MissingAnswer(name=item.name, since=wall - item.silent, silent=item.silent, reason=item.reason)
        for item in missing
    ]


def status(plant: Plant, clients: int, now: float) -> StatusAnswer:
    """The plant as it is heard at `now`."""
    missing = plant.missing(now)
    tick = plant.tick
    report = plant.status
    ages = [module.age(now) for module in plant.modules.values()]
    known = [age for age in ages if age is not None]
    return StatusAnswer(
        backend_status=health(plant, missing),
        missing=[item.name for item in missing],
        engine_initialized=all(plant.initialized(name) for name in plant.modules),
        engine_running=all(module.fresh(now) for module in plant.modules.values()),
        has_data=bool(known),
        simulation_running=tick is not None and plant.clock_fresh(now) and tick.mode == "running" and not tick.held,
        version=version(),
        protocol_version=PROTOCOL_VERSION,
        run=plant.run,
        replay=_replay(plant),
        mode=tick.mode if tick else None,
        simulated_time=tick.t if tick else None,
        tick=tick.seq if tick else None,
        speed=tick.speed if tick else None,
        achieved_speed=report.achieved_speed if report else None,
        flat_out=tick.flat_out if tick else None,
        held=tick.held if tick else [],
        scenario=report.scenario if report else None,
        data_age=max(known) if known else None,
        clients_connected=clients,
        gaps=plant.missed(),
        repaired=plant.streams.repaired,
        bad_frames=plant.bad_frames,
        old_frames=plant.old_frames,
        modules={name: _module(plant, name, now) for name in plant.modules},
    )


def _replay(plant: Plant) -> str | None:
    return (plant.status.replay or None) if plant.status else None


def _module(plant: Plant, name: str, now: float) -> ModuleAnswer:
    module = plant.modules[name]
    head = module.frame.head if module.frame else None
    return ModuleAnswer(
        fresh=module.fresh(now),
        age=module.age(now),
        run=head.run if head else None,
        tick=head.seq if head else None,
        simulated_time=head.t if head else None,
    )


def hello(plant: Plant, clients: int, subprotocols: list[str], now: float) -> HelloAnswer:
    """What the WebSocket server says of itself and the plant."""
    missing = plant.missing(now)
    tick = plant.tick
    return HelloAnswer(
        message="KPP Simulator: state frames of the plant at /ws",
        version=version(),
        protocol_version=PROTOCOL_VERSION,
        status=health(plant, missing),
        missing=[item.name for item in missing],
        clients_connected=clients,
        current_tick=tick.seq if tick else None,
        run=plant.run,
        replay=_replay(plant),
        mode=tick.mode if tick else None,
        simulated_time=tick.t if tick else None,
        subprotocols=subprotocols,
    )
