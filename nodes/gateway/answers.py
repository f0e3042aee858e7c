"""The shape of each answer about the plant and its parameters; what a message declares is taken from there."""

from typing import Any, Literal

from pydantic import Field

from bus.protocol.messages import (
    Alarm,
    AlarmState,
    Command,
    Event,
    Lateness,
    Mode,
    Peer,
    Policy,
    Priority,
    Status,
    Tick,
)
from bus.view.roster import NodeHealth
from nodes.gateway.derived import RestAnswer, derived, meaning

BackendHealth = Literal["ok", "degraded", "down"]

_VERSION = "version of the program"
_PROTOCOL = "version of topics, frames and field names"
_CLIENTS = "WebSocket clients of this gateway"
_RUN = "id of the present run"
_IN_RUN = "run in which it acted"
_AT_TICK = "tick at which it acted"
_OF_VALUES = "tick of these values"

Value = float | int | str


class PresentAnswer(RestAnswer):
    """Where the plant is. What is not known is null."""

    run: str | None = Field(description=_RUN)
    replay: str | None = Field(description="recorded run that is played back here; null from a plant")
    mode: Mode | None = meaning(Tick, "mode")
    simulated_time: float | None = meaning(Tick, "t")


class ClockAnswer(PresentAnswer):
    """How its time goes on. What is not known is null."""

    tick: int | None = Field(description="number of the newest tick")
    speed: float | None = meaning(Tick, "speed")
    achieved_speed: float | None = Field(description="measured by the clock in its last report")
    flat_out: bool | None = meaning(Tick, "flat_out")
    held: list[str] = meaning(Tick, "held")


class ModuleAnswer(RestAnswer):
    """One plant module as the gateway hears it."""

    fresh: bool = Field(description="true if a state frame came in the last second")
    age: float | None = Field(description="age of the newest state frame (s), null if there is none")
    run: str | None = Field(description="run of the newest state frame")
    tick: int | None = Field(description="tick of the newest state frame")
    simulated_time: float | None = Field(description="simulated time of the newest state frame (s)")


class StatusAnswer(ClockAnswer):
    """The plant as the gateway hears it. What is not known is null."""

    backend_status: BackendHealth = Field(
        description="ok: all is heard; degraded: some is missing; down: nothing is heard"
    )
    missing: list[str] = Field(description="what is not heard", examples=[["physics m1"]])
    engine_initialized: bool = Field(description="every module has shown a state in the present run")
    engine_running: bool = Field(description="fresh state frames come from every module")
    has_data: bool = Field(description="there is a state to show")
    simulation_running: bool = Field(description="the clock is heard, its mode is running, and nothing is held")
    version: str = Field(description=_VERSION)
    protocol_version: int = Field(description=_PROTOCOL)
    scenario: str | None = meaning(Status, "scenario")
    data_age: float | None = Field(description="age of the oldest of the modules' newest frames (s)")
    clients_connected: int = Field(description=_CLIENTS)
    gaps: dict[str, int] = Field(description="messages that were lost and cannot be had any more, by topic")
    repaired: int = Field(description="messages that were lost on the way and came when asked for")
    bad_frames: int = Field(description="malformed frames from the bus, counted and dropped")
    old_frames: int = Field(description="frames from the bus that were overtaken, counted and dropped")
    modules: dict[str, ModuleAnswer] = Field(description="by name")


class HelloAnswer(PresentAnswer):
    """What the WebSocket server says at /."""

    message: str = Field(description="for people")
    version: str = Field(description=_VERSION)
    protocol_version: int = Field(description=_PROTOCOL)
    status: BackendHealth = Field(description="as backend_status")
    missing: list[str] = Field(description="what is not heard")
    clients_connected: int = Field(description=_CLIENTS)
    current_tick: int | None = Field(description="number of the newest tick, null before the first")
    subprotocols: list[str] = Field(description="what /ws speaks; the first is the default")


class TimeAnswer(ClockAnswer):
    """Simulated time."""

    tick_rate: int | None = meaning(Tick, "rate")
    policy: Policy | None = meaning(Status, "policy")
    held_time: float | None = meaning(Status, "held_time")
    owed_time: float | None = meaning(Status, "owed_time")
    problems: list[str] = meaning(Status, "problems")


class HealthAnswer(RestAnswer):
    """The gateway hears the clock and every module."""

    status: Literal["ok"] = "ok"


class AppliedAnswer(RestAnswer):
    """A command acted."""

    outcome: Literal["applied"] = "applied"
    command: str = Field(description="name of the command", examples=["start"])
    id: str = Field(description="its id, the Idempotency-Key if one was sent")
    run: str = Field(description=_IN_RUN)
    seq: int = Field(description=_AT_TICK)
    t: float = Field(description="simulated time at which it acted (s)")
    applied: dict[str, Any] = Field(description="what is in force now")


@derived(Event)
class EventAnswer(RestAnswer):
    """Something worth a line in a log."""


class EventsAnswer(RestAnswer):
    """Events of the plant."""

    events: list[EventAnswer] = Field(description="oldest first")


@derived(Alarm)
class AlarmAnswer(RestAnswer):
    """One alarm in the manner of ISA-18.2."""

    priority: Priority = Field(
        description="high: trips, emergency stops, faults and what a node has found; low: warnings, a degraded node"
    )
    state: AlarmState = Field(
        description="unacknowledged: active and not seen; acknowledged: active and seen; "
        "returned_unacknowledged: gone, but nobody has seen it"
    )


class AlarmsAnswer(RestAnswer):
    """Alarms of the present run."""

    run: str | None = Field(description=_RUN)
    alarms: list[AlarmAnswer] = Field(description="oldest first")


@derived(Peer, without={"gaps", "supervisor", "program"})
class NodeAnswer(RestAnswer):
    """One process of the plant, as the clock hears it."""

    health: NodeHealth = Field(
        description="silent: no beat for 2 s; starting: it loads or compiles; fault: it cannot go on, or found what "
        "must not be; degraded: it cannot do all of its work, or works off what it missed; "
        "unknown: its version reports none"
    )
    behind: int = Field(description="ticks between the last one that it has worked off and the newest one")


@derived(Lateness)
class LatenessAnswer(RestAnswer):
    """How late ticks left in the last interval of the clock's report."""


class NodesAnswer(RestAnswer):
    """Every process that the clock hears of."""

    run: str | None = Field(description=_RUN)
    lateness: LatenessAnswer | None = meaning(Status, "lateness")
    deadlines_missed: int | None = meaning(Status, "deadlines_missed")
    held_time: float | None = meaning(Status, "held_time")
    unrecorded: dict[str, int] = meaning(Status, "unrecorded")
    nodes: list[NodeAnswer]


@derived(Command)
class CommandAnswer(RestAnswer):
    """One command of the plant, whoever gave it."""

    args: dict[str, Any] = meaning(Command, "args")
    run: str = Field(description=_IN_RUN)
    seq: int = Field(description=_AT_TICK)
    t: float | None = Field(description="simulated time at which it acted (s), null while its result is not known")
    wall: float | None = Field(description="Unix time of that tick (s), null for what was before this gateway began")
    outcome: Literal["applied", "rejected"] | None = Field(description="null while its result is not known")
    reason: str = Field(description="why it was rejected")
    applied: dict[str, Any] | None = Field(description="what came into force")


class CommandsAnswer(RestAnswer):
    """The audit log."""

    commands: list[CommandAnswer] = Field(description="newest first")


class RunAnswer(RestAnswer):
    """One run."""

    run: str = Field(description="its id", examples=["0001-001"])
    scenario: str | None = Field(description="null until the clock's next report")
    present: bool = Field(description="true for the run that the plant is in")
    first_heard: float = Field(description="simulated time at which this gateway first heard of it (s)")
    simulated_time: float = Field(description="newest simulated time heard (s)")
    tick: int = Field(description="newest tick heard")


class RunsAnswer(RestAnswer):
    """Runs that this gateway has heard of since it began to listen."""

    runs: list[RunAnswer] = Field(description="the present one first")
    next: str | None = Field(description="ask again with this as `before` for older ones; null at the end")


class DeclarationAnswer(RestAnswer):
    """One parameter as the model declares it."""

    name: str = Field(examples=["water_depth"])
    symbol: str = Field(description="as in the equations", examples=["H"])
    unit: str = Field(description='"-" for a plain number or a choice', examples=["m"])
    default: Value = Field(description="as declared")
    min: float | None = Field(description="lowest value allowed", validation_alias="minimum")
    max: float | None = Field(description="highest value allowed", validation_alias="maximum")
    choices: list[str] = Field(description="values allowed, for a choice")
    flag: str = Field(description="source: D derived, P inherited, S published, A assumption, - a choice of operation")
    text: str = Field(description="meaning")
    kind: Literal["built", "condition", "setting", "environment"] = Field(
        description="what may change it: built with a new run or a fork only, the others in a run"
    )
    ramp: float | None = Field(description="largest change per second in a run, in its unit; null for a step")
    structural: bool = Field(description="true if it is built and cannot change in a run")
    forkable: bool = Field(description="true if a fork may begin with another value")


class ParameterAnswer(DeclarationAnswer):
    """One parameter: its declaration and its value in force."""

    value: Value | bool | None = Field(description="in force now; null if the module does not know it")


class ParametersAnswer(RestAnswer):
    """Every parameter of one module."""

    run: str
    scenario: str
    module: str
    seq: int = Field(description=_OF_VALUES)
    parameters: list[ParameterAnswer]


class DeclarationsAnswer(RestAnswer):
    """Every parameter that there is."""

    parameters: list[DeclarationAnswer]


class ValidAnswer(RestAnswer):
    """These values would be taken."""

    valid: Literal[True] = True
    in_run: bool = Field(description="true if they may change in the present run; false if they need a new one")
    in_fork: bool = Field(description="true if a fork of the present run may begin with them")
    structural: list[str] = Field(description="those that need a new run or a fork")
    parameters: dict[str, Value] = Field(description="the values as they would be in force")


class ControlsAnswer(RestAnswer):
    """What the operator sets, as it is in force."""

    run: str
    module: str
    seq: int = Field(description=_OF_VALUES)
    plc_state: str | None = Field(description="state of the plant's controller, null before the first state")
    settings: dict[str, Value | bool | None] = Field(description="by the names of the parameters")


class ScenarioAnswer(RestAnswer):
    """A complete parameter set by name."""

    name: str
    text: str = Field(description="first comment line of its file")


class ScenariosAnswer(RestAnswer):
    """The scenarios that there are."""

    scenarios: list[ScenarioAnswer]


class PresetsAnswer(RestAnswer):
    """The presets that there are."""

    presets: list[str]


class PresetAnswer(RestAnswer):
    """One named set of parameters."""

    name: str = Field(examples=["deep-water"])
    parameters: dict[str, Value] = Field(description="every parameter by name")


class DifferenceAnswer(RestAnswer):
    """One parameter that differs."""

    name: str = Field(examples=["water_depth"])
    unit: str = Field(examples=["m"])
    left: Value = Field(description="in the preset")
    right: Value = Field(description="in what it is compared with")


class ComparisonAnswer(RestAnswer):
    """A preset against another one, or against the values in force."""

    left: str = Field(description="the preset")
    right: str | None = Field(description="the other preset; null for the values in force")
    differences: list[DifferenceAnswer]
