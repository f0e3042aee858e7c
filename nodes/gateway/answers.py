"""What the gateway answers: the shape of each answer, declared once, and how it follows from the view of the plant."""

from typing import Any, Literal

from msgspec import structs
from pydantic import BaseModel, Field

from bus.messages import Mode
from bus.schema import PROTOCOL_VERSION
from nodes.gateway.core import Missing, Plant
from nodes.gateway.problems import MissingAnswer
from nodes.gateway.version import version

Health = Literal["ok", "degraded", "down"]


class ModuleAnswer(BaseModel):
    """One plant module as the gateway hears it."""

    fresh: bool = Field(description="true if a state frame came in the last second")
    age: float | None = Field(description="age of the newest state frame (s), null if there is none")
    run: str | None = Field(description="run of the newest state frame")
    tick: int | None = Field(description="tick of the newest state frame")
    simulated_time: float | None = Field(description="simulated time of the newest state frame (s)")


class StatusAnswer(BaseModel):
    """The plant as the gateway hears it. What is not known is null."""

    backend_status: Health = Field(description="ok: all is heard; degraded: some is missing; down: nothing is heard")
    missing: list[str] = Field(description="what is not heard", examples=[["physics m1"]])
    engine_initialized: bool = Field(description="every module has shown a state in the present run")
    engine_running: bool = Field(description="fresh state frames come from every module")
    has_data: bool = Field(description="there is a state to show")
    simulation_running: bool = Field(description="the clock is heard, its mode is running, and nothing is held")
    version: str = Field(description="version of the program")
    protocol_version: int = Field(description="version of topics, frames and field names")
    run: str | None = Field(description="id of the present run")
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
    gaps: dict[str, int] = Field(description="ticks of the present run that never came, by topic")
    bad_frames: int = Field(description="malformed frames from the bus, counted and dropped")
    old_frames: int = Field(description="frames from the bus that were overtaken, counted and dropped")
    modules: dict[str, ModuleAnswer] = Field(description="by name")


class HelloAnswer(BaseModel):
    """What the WebSocket server says at /."""

    message: str = Field(description="for people")
    version: str = Field(description="version of the program")
    protocol_version: int = Field(description="version of topics, frames and field names")
    status: Health = Field(description="as backend_status")
    missing: list[str] = Field(description="what is not heard")
    clients_connected: int = Field(description="WebSocket clients of this gateway")
    current_tick: int | None = Field(description="number of the newest tick, null before the first")
    run: str | None = Field(description="id of the present run")
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
    structural: bool = Field(description="true if it cannot change in a run")


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


def events(plant: Plant) -> EventsAnswer:
    """The events that are kept."""
    return EventsAnswer(events=[EventAnswer(**structs.asdict(event)) for event in plant.events])


def health(plant: Plant, missing: list[Missing]) -> Health:
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
        bad_frames=plant.bad_frames,
        old_frames=plant.old_frames,
        modules={name: _module(plant, name, now) for name in plant.modules},
    )


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
        mode=tick.mode if tick else None,
        simulated_time=tick.t if tick else None,
        subprotocols=subprotocols,
    )
