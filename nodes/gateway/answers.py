"""The shape of each answer about the plant and its parameters; what a message declares is taken from the message."""

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
_OF_VALUES = "tick at which these values were in force"

Value = float | int | str


class PresentAnswer(RestAnswer):
    """Where the plant is. Whatever is not known is null."""

    run: str | None = Field(description=_RUN)
    replay: str | None = Field(description="recorded run that is played back here; null for a living plant")
    mode: Mode | None = meaning(Tick, "mode")
    simulated_time: float | None = meaning(Tick, "t")


class ClockAnswer(PresentAnswer):
    """How simulated time advances. Whatever is not known is null."""

    tick: int | None = Field(description="number of the newest tick")
    speed: float | None = meaning(Tick, "speed")
    achieved_speed: float | None = Field(
        description="speed that the clock measured over the time of its last report (simulated seconds per second)"
    )
    flat_out: bool | None = meaning(Tick, "flat_out")
    held: list[str] = meaning(Tick, "held")


class ModuleAnswer(RestAnswer):
    """One plant module as the gateway hears it."""

    fresh: bool = Field(description="true if a state frame arrived within the last second")
    age: float | None = Field(description="age of the newest state frame (s), null if there is none")
    run: str | None = Field(description="run of the newest state frame")
    tick: int | None = Field(description="tick of the newest state frame")
    simulated_time: float | None = Field(description="simulated time of the newest state frame (s)")


class StatusAnswer(ClockAnswer):
    """The plant as the gateway hears it. Whatever is not known is null."""

    backend_status: BackendHealth = Field(
        description="ok: clock and every module are heard; degraded: some of them are; down: none is"
    )
    missing: list[str] = Field(description="parts of the plant that are not heard", examples=[["physics m1"]])
    engine_initialized: bool = Field(description="true if every module has published a state in the present run")
    engine_running: bool = Field(description="true if fresh state frames come from every module")
    has_data: bool = Field(description="true if there is a state to show")
    simulation_running: bool = Field(
        description="true if the clock is heard, its mode is running, and no module holds simulated time"
    )
    version: str = Field(description=_VERSION)
    protocol_version: int = Field(description=_PROTOCOL)
    scenario: str | None = meaning(Status, "scenario")
    data_age: float | None = Field(description="age of the oldest of the modules' newest frames (s)")
    clients_connected: int = Field(description=_CLIENTS)
    gaps: dict[str, int] = Field(description="messages that are lost for good, by topic")
    repaired: int = Field(description="messages that were lost on the way and sent again on request")
    bad_frames: int = Field(description="malformed frames from the bus, which were dropped")
    old_frames: int = Field(description="outdated frames from the bus, which were dropped")
    modules: dict[str, ModuleAnswer] = Field(description="by name")


class HelloAnswer(PresentAnswer):
    """What the WebSocket server answers at /."""

    message: str = Field(description="for people")
    version: str = Field(description=_VERSION)
    protocol_version: int = Field(description=_PROTOCOL)
    status: BackendHealth = Field(description="the same as `backend_status` of GET /v1/status")
    missing: list[str] = Field(description="parts of the plant that are not heard")
    clients_connected: int = Field(description=_CLIENTS)
    current_tick: int | None = Field(description="number of the newest tick, null before the first")
    subprotocols: list[str] = Field(description="subprotocols of /ws; the first is the default")


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
    """A command that has acted."""

    outcome: Literal["applied"] = "applied"
    command: str = Field(description="name of the command", examples=["start"])
    id: str = Field(description="id of the command: the Idempotency-Key, if one was sent")
    run: str = Field(description=_IN_RUN)
    seq: int = Field(description=_AT_TICK)
    t: float = Field(description="simulated time at which it acted (s)")
    applied: dict[str, Any] = Field(description="what came into force")


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
        description="high: trips, emergency stops, faults, and what a node has found to be wrong; "
        "low: warnings, and nodes that are degraded"
    )
    state: AlarmState = Field(
        description="unacknowledged: active, and nobody has acknowledged it; acknowledged: active and acknowledged; "
        "returned_unacknowledged: no longer active, but nobody has acknowledged it"
    )


class AlarmsAnswer(RestAnswer):
    """Alarms of the present run that ask for attention."""

    run: str | None = Field(description=_RUN)
    alarms: list[AlarmAnswer] = Field(description="oldest first")


@derived(Peer, without={"gaps", "supervisor", "program"})
class NodeAnswer(RestAnswer):
    """One process of the plant, as the clock hears it."""

    health: NodeHealth = Field(
        description="silent: no beat for 2 s; starting: it loads or compiles; fault: it cannot go on, or has found "
        "something that must not be; degraded: it cannot do all of its work, or is catching up on what it missed; "
        "unknown: its version does not report its health"
    )
    behind: int = Field(description="ticks by which the last one that it has finished lies behind the newest one")


@derived(Lateness)
class LatenessAnswer(RestAnswer):
    """How late the clock sent the ticks of its last report."""


class NodesAnswer(RestAnswer):
    """Every process that reports to the clock."""

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
    wall: float | None = Field(
        description="Unix time of that tick (s), null for commands from before this gateway began to listen"
    )
    outcome: Literal["applied", "rejected"] | None = Field(description="null while its result is not known")
    reason: str = Field(description="why it was rejected; empty if it was not")
    applied: dict[str, Any] | None = Field(description="what came into force; null while its result is not known")


class CommandsAnswer(RestAnswer):
    """The audit log."""

    commands: list[CommandAnswer] = Field(description="newest first")


class RunAnswer(RestAnswer):
    """One run."""

    run: str = Field(description="its id", examples=["0001-001"])
    scenario: str | None = Field(description="name of its scenario; null until the clock's next report")
    present: bool = Field(description="true for the run that the plant is in now")
    first_heard: float = Field(description="simulated time at which this gateway first heard of it (s)")
    simulated_time: float = Field(description="newest simulated time heard (s)")
    tick: int = Field(description="newest tick heard")


class RunsAnswer(RestAnswer):
    """Runs that this gateway has heard of since it began to listen."""

    runs: list[RunAnswer] = Field(description="the present one first")
    next: str | None = Field(description="send this as `before` to get the next page of older runs; null at the end")


class DeclarationAnswer(RestAnswer):
    """One parameter as the model declares it."""

    name: str = Field(examples=["water_depth"])
    symbol: str = Field(description="as in the equations", examples=["H"])
    unit: str = Field(description='"-" for a plain number or a choice', examples=["m"])
    default: Value = Field(description="value where a scenario names none")
    min: float | None = Field(description="lowest permitted value; null if there is none", validation_alias="minimum")
    max: float | None = Field(description="highest permitted value; null if there is none", validation_alias="maximum")
    choices: list[str] = Field(description="permitted values of a choice; empty for a number")
    flag: str = Field(description="source: D derived, P inherited, S published, A assumption, - a choice of operation")
    text: str = Field(description="meaning")
    kind: Literal["built", "condition", "setting", "environment"] = Field(
        description="when it may change: `built` only with a new run or a fork, the others during a run"
    )
    ramp: float | None = Field(
        description="largest change per second during a run, in its unit; null if it changes in one step"
    )
    structural: bool = Field(description="true if it is fixed when a run begins and cannot change during the run")
    forkable: bool = Field(description="true if a fork may begin with another value")


class ParameterAnswer(DeclarationAnswer):
    """One parameter: its declaration and its value in force."""

    value: Value | bool | None = Field(description="value in force; null if the module does not know the parameter")


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
    """These values would be accepted."""

    valid: Literal[True] = True
    in_run: bool = Field(description="true if they may change in the present run; false if they need a new one")
    in_fork: bool = Field(description="true if a fork of the present run may begin with them")
    structural: list[str] = Field(description="names of those that need a new run or a fork")
    parameters: dict[str, Value] = Field(description="every parameter as it would then be in force")


class ControlsAnswer(RestAnswer):
    """The operator's settings that are in force."""

    run: str
    module: str
    seq: int = Field(description=_OF_VALUES)
    plc_state: str | None = Field(description="state of the plant's controller, null before the first state")
    settings: dict[str, Value | bool | None] = Field(description="values by the name of their parameter")


class ScenarioAnswer(RestAnswer):
    """A named set of parameters and series that a run can begin with."""

    name: str
    text: str = Field(description="what it is: the first comment line of its file")


class ScenariosAnswer(RestAnswer):
    """All scenarios."""

    scenarios: list[ScenarioAnswer]


class PresetsAnswer(RestAnswer):
    """The names of all presets."""

    presets: list[str]


class PresetAnswer(RestAnswer):
    """One named set of parameters."""

    name: str = Field(examples=["deep-water"])
    parameters: dict[str, Value] = Field(description="every parameter by name")


class DifferenceAnswer(RestAnswer):
    """One parameter that differs."""

    name: str = Field(examples=["water_depth"])
    unit: str = Field(examples=["m"])
    left: Value = Field(description="value in the preset")
    right: Value = Field(description="value in what the preset is compared with")


class ComparisonAnswer(RestAnswer):
    """A preset compared with another one, or with the values in force."""

    left: str = Field(description="name of the preset")
    right: str | None = Field(description="name of the other preset; null for the values in force")
    differences: list[DifferenceAnswer]
