"""Every message of the simulator, declared once.

`docs/protocol.md` and the JSON Schemas are generated from here. Published messages travel as `[topic, payload]`,
requests and replies as one payload; a payload is always one MessagePack map.
"""

from typing import Annotated, ClassVar, Literal

import msgspec

from bus.protocol.health import MAX_STATUS, Health
from bus.protocol.schema import (
    MAX_ITEMS,
    MAX_TEXT,
    NANOSECONDS_MAX,
    Count,
    Finite,
    Label,
    Message,
    SimulatedTime,
    Text,
    Whole,
    amount,
    count,
    each,
    number,
    quantity,
    shorten,
)
from bus.protocol.state import (
    Chain,
    Compressor,
    Converter,
    DcLink,
    Drivetrain,
    Exergy,
    Floaters,
    Generator,
    Grid,
    Hypotheses,
    Ledger,
    Meters,
    Plc,
    Powers,
    Receiver,
    Sampled,
    Valve,
    Water,
)
from bus.protocol.values import Arguments

STEP_US = 1000
"""Simulated time advances in whole physics steps of this many microseconds."""

RATE_MIN, RATE_MAX = 10, 1000
"""Lowest and highest tick rate [ticks per second]."""

SPEED_MAX = 1e6
"""Limit of every speed on the wire, far beyond what a clock takes."""

Mode = Literal["stopped", "running", "paused"]
"""What simulated time does: it has not begun, goes on, or stands still."""

Policy = Literal["hold", "catch_up", "stop"]
"""What the clock does when a module is late: wait, wait and then make up for it, or stop the run."""

NODE_ALARMS = "node_alarms"
"""Command by which the clock itself notes which nodes report an alarm."""

NODE_ALARM = "node"
"""Kind of the event that goes with it when such an alarm is new."""

CLOCK_MODULE = "clock"
"""Module name of commands that the clock itself carries out."""

STOP_LATE = "stop_late"
"""Command by which the clock itself stops a run under policy `stop`."""

STOPPED_LATE = "policy"
"""Kind of the event that goes with it."""

EVERY_MODULE = "*"
"""Module name of a command that every plant module carries out, all in the same tick."""


def begin_id(run: str) -> str:
    """Id of the command that begins a run in every module; each answers it with a result."""
    return f"{run}.begin"


EMERGENCY_STOP = "emergency_stop"
"""Command that sets a plant's brake at once; the only one that may be given to every module."""

# A bare "$" would let a trailing newline pass, hence "nothing follows" in syntax that Python and JSON Schema share.
NAME = r"^[a-z][a-z0-9_]{0,31}(?![\s\S])"
"""What names of modules, nodes and commands look like."""

ADDRESSEE = r"^(\*|[a-z][a-z0-9_]{0,31})(?![\s\S])"
"""What the addressee of a command looks like."""

IDENTIFIER = r"^[A-Za-z0-9_.:\-]{1,64}(?![\s\S])"
"""What ids of runs, commands, instances and alarms look like: they become names of files and parts of URLs."""

RUN_OR_PRESENT = r"^[A-Za-z0-9_.:\-]{0,64}(?![\s\S])"
"""The same, or nothing for the present run."""

DIGEST = r"^[0-9a-f]{16}(?![\s\S])"
"""What the digest of a state looks like."""

REASON_OR_NONE = r"^[a-z0-9_]{0,32}(?![\s\S])"
"""What the reason of a node's health looks like."""

ReportedHealth = Annotated[Health, quantity("", "how the node is; unknown if its version does not say")]
HealthReason = Annotated[
    str,
    quantity(
        "",
        "why, such as compiling, standing_by, storage, lag, conflicts, damage or programs; empty where health says all",
        pattern=REASON_OR_NONE,
    ),
]
Restarts = Annotated[
    Count | None,
    quantity("1", "starts in the place of another process since its supervisor began, null if nobody counts"),
]
SupervisorName = Annotated[str, quantity("", "which supervisor started it, empty if none did", max_length=64)]
ProgramName = Annotated[str, quantity("", "program of that supervisor that it runs, empty if none", max_length=64)]
StatusText = Annotated[str, quantity("", "the same as health and reason, and more, for people", max_length=MAX_STATUS)]
GapCount = Annotated[int, count("1", "frames that it missed and had sent again, since it started")]
QueueLength = Annotated[int, count("1", "messages that wait in it for their turn")]
Clients = Annotated[Count | None, quantity("1", "clients that it serves, null if it serves none or does not say")]
"""What a node reports of itself in beats and acknowledgements, and the clock passes on in its list of peers."""

MAX_ALARMS = 256
"""Most alarms that a module or the clock lists."""

AlarmState = Literal["unacknowledged", "acknowledged", "returned_unacknowledged"]
"""States of ISA-18.2; an alarm that is normal again and was acknowledged is not listed."""

Priority = Literal["high", "low"]
"""How soon a person has to act."""


class Alarm(Message, frozen=True):
    """One alarm that is active, or has gone without anybody having acknowledged it, in the manner of ISA-18.2."""

    id: Annotated[str, quantity("", "module or node, and condition, such as m1.trip", pattern=IDENTIFIER)]
    module: Annotated[str, quantity("", "plant module, or the node that reports it", pattern=NAME)]
    priority: Annotated[Priority, quantity("", "high: trips, emergency stops, faults; low: warnings, a degraded node")]
    text: Annotated[Text, quantity("", "for people")]
    state: Annotated[AlarmState, quantity("", "whether a person has seen it, or it has gone unseen")]
    active: Annotated[bool, quantity("", "true while its condition holds")]
    first_out: Annotated[bool, quantity("", "true if none of its source was active when it came: the likely cause")]
    raised_seq: Annotated[int, count("1", "tick at which it came, 0 if that was before the run was forked")]
    raised_t: Annotated[float, number("s", "simulated time at which it came, < 0 before the run was forked")]
    value: Annotated[Finite | None, quantity("as `unit` says", "what was measured, null where nothing is")] = None
    limit: Annotated[Finite | None, quantity("as `unit` says", "the limit that was passed, null without one")] = None
    unit: Annotated[str, quantity("", "SI unit of value and limit, empty for a share", max_length=32)] = ""
    cleared_t: Annotated[SimulatedTime | None, quantity("s", "simulated time at which it went, null while active")] = (
        None
    )
    acknowledged_t: Annotated[SimulatedTime | None, quantity("s", "simulated time at which it was acknowledged")] = None
    acknowledged_by: Annotated[Label | None, quantity("", "who acknowledged it")] = None


class Published(Message, frozen=True):
    """The four fields that stand at the top level of every published message."""

    TOPIC: ClassVar[str]

    t: Annotated[float, amount("s", "simulated time since the start of the run")]
    seq: Annotated[int, count("1", "number of the last tick this message follows from; never goes back in a run")]
    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    wall: Annotated[float, amount("s", "Unix time of sending")]

    def topic(self) -> str:
        """The topic this message is published under."""
        return self.TOPIC


class Command(Message, frozen=True):
    """A command as it rides inside a tick frame."""

    id: Annotated[
        str,
        quantity("", "made by the client; a repeated id is answered again but not applied again", pattern=IDENTIFIER),
    ]
    module: Annotated[
        str, quantity("", 'addressee: "clock", a plant module, or "*" for every module', pattern=ADDRESSEE)
    ]
    name: Annotated[str, quantity("", "what to do", pattern=NAME)]
    args: Annotated[Arguments, quantity("", "arguments by name")]
    origin: Annotated[str, quantity("", "who asked: node or user", min_length=1, max_length=64)]


class Tick(Published, frozen=True):
    """One beat of the plant: how far simulated time advances, and the commands to apply before it does."""

    TOPIC: ClassVar[str] = "tick"

    epoch: Annotated[int, count("1", "incarnation of the clock; a receiver ignores lower ones")]
    dt: Annotated[
        float, amount("s", "simulated time that this tick advances, a whole number of 1 ms steps; t includes it")
    ]
    mode: Annotated[Mode, quantity("", "stopped, running or paused")]
    speed: Annotated[float, quantity("1", "requested simulated seconds per second", gt=0, le=SPEED_MAX)]
    flat_out: Annotated[bool, quantity("", "true when running as fast as possible, whatever the speed")]
    rate: Annotated[int, quantity("Hz", "tick rate", ge=10, le=1000)]
    held: Annotated[
        list[Label], quantity("", "modules that simulated time waits for; empty when none", max_length=MAX_ITEMS)
    ]
    mono_ns: Annotated[
        int, quantity("ns", "sender's monotonic clock, for latencies on one host", ge=0, le=NANOSECONDS_MAX)
    ]
    leaders: Annotated[
        dict[Label, Label], quantity("", "module -> instance that publishes for it", max_length=MAX_ITEMS)
    ]
    published: Annotated[
        dict[Label, Count], quantity("1", "module -> last tick whose state was published for it", max_length=MAX_ITEMS)
    ]
    commands: Annotated[
        list[Command], quantity("", "commands that act at the start of this tick, in order", max_length=256)
    ]


class Lateness(Message, frozen=True):
    """How late ticks left, over the last status interval."""

    p50: Annotated[float, number("s", "median")]
    p99: Annotated[float, number("s", "99th percentile")]
    max: Annotated[float, number("s", "worst")]


class Peer(Message, frozen=True):
    """A node as the clock knows it from its beats."""

    node: Annotated[str, quantity("", "node name", pattern=NAME)]
    instance: Annotated[str, quantity("", "instance name", pattern=IDENTIFIER)]
    pid: Annotated[int, count("1", "process id")]
    status: StatusText
    seq: Annotated[int, count("1", "last tick it has worked off")]
    gaps: GapCount
    age: Annotated[float, amount("s", "time since its last beat")]
    queue: QueueLength = 0
    restarts: Restarts = None
    supervisor: SupervisorName = ""
    program: ProgramName = ""
    health: ReportedHealth = "unknown"
    reason: HealthReason = ""
    clients: Clients = None


class Status(Published, frozen=True):
    """The clock's report on time, flow control and peers, five times a second."""

    TOPIC: ClassVar[str] = "status"

    epoch: Annotated[int, count("1", "incarnation of the clock")]
    mode: Annotated[Mode, quantity("", "stopped, running or paused")]
    speed: Annotated[float, quantity("1", "requested speed", gt=0, le=SPEED_MAX)]
    flat_out: Annotated[bool, quantity("", "as fast as possible")]
    achieved_speed: Annotated[float, amount("1", "simulated over wall time in the last interval")]
    rate: Annotated[int, count("Hz", "tick rate")]
    lateness: Annotated[
        Lateness | None, quantity("", "of the ticks of the last interval, null when it held none on a schedule")
    ]
    frames_sent: Annotated[int, count("1", "tick frames since the clock started")]
    deadlines_missed: Annotated[int, count("1", "ticks left out because their time had passed")]
    bad_frames: Annotated[int, count("1", "malformed requests, counted and dropped")]
    policy: Annotated[Policy, quantity("", "what happens when a module is late: hold, catch_up or stop")]
    held: Annotated[list[Label], quantity("", "modules that simulated time waits for now", max_length=MAX_ITEMS)]
    held_time: Annotated[float, amount("s", "wall time held since the clock started")]
    owed_time: Annotated[float, amount("s", "simulated time that policy catch_up has still to make up for")]
    problems: Annotated[
        list[Text], quantity("", "what the clock cannot do now, empty when all is well", max_length=MAX_ITEMS)
    ]
    realtime_priority: Annotated[bool, quantity("", "true if the tick thread runs under SCHED_FIFO")]
    scenario: Annotated[str, quantity("", "scenario of the run", max_length=64)]
    peers: Annotated[list[Peer], quantity("", "nodes that the clock hears of", max_length=MAX_ITEMS)]
    replay: Annotated[
        str, quantity("", "the recorded run that is played back, empty when the plant is live", max_length=64)
    ] = ""
    replay_start: Annotated[float, amount("s", "simulated time at which the recording begins, 0 when live")] = 0.0
    replay_end: Annotated[float, amount("s", "simulated time at which it ends, 0 when live")] = 0.0
    alarms: Annotated[
        list[Alarm], quantity("", "alarms of nodes that ask for attention, oldest first", max_length=MAX_ALARMS)
    ] = msgspec.field(default_factory=list)
    unrecorded: Annotated[
        dict[Label, Count],
        quantity(
            "1",
            "clock or module -> ticks of it that are published and not on disk yet; empty while no recorder is heard",
            max_length=MAX_ITEMS,
        ),
    ] = msgspec.field(default_factory=dict)


class State(Published, frozen=True):
    """All that one plant module shows of itself after a tick."""

    TOPIC: ClassVar[str] = "state/"

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    instance: Annotated[str, quantity("", "process instance that computed it", pattern=IDENTIFIER)]
    scenario: Annotated[str, quantity("", "scenario of the run", max_length=64)]
    digest: Annotated[
        str, quantity("", "64-bit digest of the complete state; equal digests mean equal states", pattern=DIGEST)
    ]
    results: Annotated[int, count("1", "results of this module in the run so far, this tick included")]
    events: Annotated[int, count("1", "events of this module in the run before this tick")]
    chain: Chain
    floaters: Floaters
    receiver: Receiver
    compressor: Compressor
    valve: Valve
    drivetrain: Drivetrain
    generator: Generator
    converter: Converter
    grid: Grid
    dc_link: DcLink
    water: Water
    hypotheses: Hypotheses
    plc: Plc
    powers: Powers
    ledger: Ledger
    sampled: Sampled
    exergy: Exergy
    meters: Meters
    alarms: Annotated[
        list[Alarm], quantity("", "alarms of this module that ask for attention, oldest first", max_length=MAX_ALARMS)
    ] = msgspec.field(default_factory=list)

    def topic(self) -> str:
        """`state/<module>/`."""
        return f"{self.TOPIC}{self.module}/"


class Event(Published, frozen=True):
    """Something worth a line in a log: a change of state, a warning, a fault."""

    TOPIC: ClassVar[str] = "event/"

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    severity: Annotated[Literal["info", "warning", "alarm", "fault"], quantity("", "how much it matters")]
    kind: Annotated[str, quantity("", "what it is about", pattern=NAME)]
    text: Annotated[Text, quantity("", "for people")]

    def __post_init__(self) -> None:
        # A text may quote what a user has sent, of any length. Longer than the limit, no receiver would take the event.
        shorten(self, text=MAX_TEXT)

    def topic(self) -> str:
        """`event/<module>/`."""
        return f"{self.TOPIC}{self.module}/"


class Violation(Message, frozen=True):
    """Why a value was refused."""

    field: Annotated[str, quantity("", "parameter or argument", max_length=128)]
    limit: Annotated[str, quantity("", "the limit that was passed, with its unit", max_length=256)]
    reason: Annotated[str, quantity("", "what is wrong and what would be right", max_length=512)]

    def __post_init__(self) -> None:
        shorten(self, field=128, limit=256, reason=512)


class Result(Published, frozen=True):
    """What became of a sequenced command, at the simulated time it acted."""

    TOPIC: ClassVar[str] = "result/"

    module: Annotated[str, quantity("", "who answers", pattern=NAME)]
    id: Annotated[str, quantity("", "id of the command", pattern=IDENTIFIER)]
    name: Annotated[str, quantity("", "name of the command", pattern=NAME)]
    outcome: Annotated[Literal["applied", "rejected"], quantity("", "what became of it")]
    reason: Annotated[Text, quantity("", "why it was rejected, empty when applied")]
    violations: Annotated[
        list[Violation], quantity("", "the values that were wrong, if values were; no more are listed", max_length=32)
    ]
    applied: Annotated[Arguments, quantity("", "what is in force now")]

    def __post_init__(self) -> None:
        shorten(self, reason=MAX_TEXT, violations=32)


# Requests to the clock (ROUTER 9203) and its replies. Each has a `type`, by which the decoder chooses the declaration.


class CommandRequest(Command, frozen=True, tag_field="type", tag="command"):
    """Ask the clock to sequence a command."""


class Ack(Message, frozen=True, tag_field="type", tag="ack"):
    """A module has worked off a tick. The same message is its heartbeat."""

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    instance: Annotated[str, quantity("", "process instance", pattern=IDENTIFIER)]
    pid: Annotated[int, count("1", "process id")]
    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    seq: Annotated[int, count("1", "last tick worked off")]
    status: StatusText
    published: Annotated[
        int, count("1", "last tick of the run whose state was published, by this instance or another")
    ] = 0
    gaps: GapCount = 0
    queue: QueueLength = 0
    restarts: Restarts = None
    supervisor: SupervisorName = ""
    program: ProgramName = ""
    health: ReportedHealth = "unknown"
    reason: HealthReason = ""


class Beat(Message, frozen=True, tag_field="type", tag="beat"):
    """A node that is not a plant module is alive."""

    node: Annotated[str, quantity("", "node name", pattern=NAME)]
    instance: Annotated[str, quantity("", "process instance", pattern=IDENTIFIER)]
    pid: Annotated[int, count("1", "process id")]
    seq: Annotated[int, count("1", "last tick worked off")]
    status: StatusText
    gaps: GapCount = 0
    queue: QueueLength = 0
    restarts: Restarts = None
    supervisor: SupervisorName = ""
    program: ProgramName = ""
    health: ReportedHealth = "unknown"
    reason: HealthReason = ""
    clients: Clients = None
    unrecorded: Annotated[
        dict[Label, Count],
        quantity(
            "1",
            "of a recorder: clock or module -> ticks of it that are published and not on disk yet",
            max_length=MAX_ITEMS,
        ),
    ] = msgspec.field(default_factory=dict)


class ReplayRequest(Message, frozen=True, tag_field="type", tag="replay"):
    """Ask for the ticks of a run that follow `after`."""

    run: Annotated[str, quantity("", 'run id, or "" for the present run', pattern=RUN_OR_PRESENT)]
    after: Annotated[int, count("1", "number of the last tick that the asker has")]


# Programs count ticks in integers (`bus.ordered.tick_span`). On the wire a span is in seconds, like every time there.


class ReplaySpan(Message, frozen=True):
    """Ticks of one kind in a row: `commands` act at the first one, then every tick advances `dt`."""

    first: Annotated[int, count("1", "number of the first tick", 1)]
    count: Annotated[int, count("1", "number of ticks", 1)]
    t: Annotated[float, amount("s", "simulated time before the first tick")]
    dt: Annotated[float, amount("s", "simulated time that each tick advances")]
    mode: Annotated[Mode, quantity("", "run mode")]
    speed: Annotated[float, quantity("1", "requested simulated seconds per second", gt=0, le=SPEED_MAX)]
    flat_out: Annotated[bool, quantity("", "true when running as fast as possible")]
    commands: Annotated[list[Command], quantity("", "commands at the first tick", max_length=256)]


class Replay(Message, frozen=True, tag_field="type", tag="replay"):
    """A block of the ticks asked for, in order; ask again after its last tick until `last` is reached."""

    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    spans: Annotated[list[ReplaySpan], quantity("", "the ticks, run-length coded", max_length=500)]
    last: Annotated[int, count("1", "newest tick of the run so far")]
    epoch: Annotated[int, count("1", "incarnation of the clock that answers")]
    rate: Annotated[int, quantity("Hz", "tick rate", ge=10, le=1000)]
    wall: Annotated[float, amount("s", "Unix time of sending")]
    ended: Annotated[bool, quantity("", "true when the run has ended: no tick follows `last`")] = False
    following: Annotated[str, quantity("", 'the run that came next, "" when unknown', pattern=RUN_OR_PRESENT)] = ""


class Sequenced(Message, frozen=True, tag_field="type", tag="sequenced"):
    """The command is journaled and will act at this tick."""

    id: Annotated[str, quantity("", "id of the command", pattern=IDENTIFIER)]
    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    seq: Annotated[int, count("1", "the tick at which it acts", 1)]


class Refused(Message, frozen=True, tag_field="type", tag="refused"):
    """A request that was not accepted; nothing was done."""

    id: Annotated[
        str, quantity("", "id of the command, or the run that was asked about; empty when unreadable", max_length=64)
    ]
    field: Annotated[str, quantity("", "the field that is wrong, empty when none in particular", max_length=128)]
    reason: Annotated[Text, quantity("", "what is wrong and what would be right")]
    retry_after: Annotated[float, amount("s", "ask again with the same id after this time; 0 when that is no use")] = (
        0.0
    )
    violations: Annotated[
        list[Violation], quantity("", "the values that were wrong, if values were; no more are listed", max_length=32)
    ] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        shorten(self, field=128, reason=MAX_TEXT, violations=32)


class FramesRequest(Message, frozen=True, tag_field="type", tag="frames"):
    """Ask a producer for what it published in a run after tick `after`."""

    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    after: Annotated[int, count("1", "number of the last tick whose frames the asker has")]


class Frames(Message, frozen=True, tag_field="type", tag="frames"):
    """A block of published messages, complete for the ticks it covers; ask again after `through` until `last`.

    They are what was published, but for `wall` (the time of sending) and `instance` (who computed it).
    """

    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    after: Annotated[int, count("1", "the block holds all that followed this tick ...")]
    through: Annotated[int, count("1", "... up to and including this one")]
    last: Annotated[int, count("1", "newest tick of the run that the producer has worked off")]
    states: Annotated[list[State], quantity("", "states, in order; none from the clock", max_length=256)]
    events: Annotated[list[Event], quantity("", "events, in order", max_length=MAX_ITEMS)]
    results: Annotated[list[Result], quantity("", "results, in order", max_length=MAX_ITEMS)]
    ended: Annotated[bool, quantity("", "true when the run is known to have ended: no tick follows `last`")] = False


# Requests to a module's snapshot socket (ROUTER 9250 + k) and its replies. Each instance has a socket of its own, and
# each answers alike: all have computed the same.


class SnapshotRequest(Message, frozen=True, tag_field="type", tag="snapshot"):
    """Ask a module for its newest state and its parameters."""


class ForkRequest(Message, frozen=True, tag_field="type", tag="fork"):
    """Ask a module to save its state after a tick of a run, for another run to begin from."""

    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    seq: Annotated[int, count("1", "the tick after which the other run begins", 1)]


class Forked(Message, frozen=True, tag_field="type", tag="forked"):
    """The state is on disk: a `reset` of the clock with this scenario begins a run from it, at time zero."""

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    scenario: Annotated[str, quantity("", "name to give as the scenario", max_length=64)]
    t: Annotated[float, amount("s", "simulated time of the state in its run")]
    digest: Annotated[str, quantity("", "digest of the state", pattern=DIGEST)]


class PrepareRequest(Message, frozen=True, tag_field="type", tag="prepare"):
    """The clock asks whether a run can begin like this; nothing begins yet. A module that cannot answers `refused`."""

    id: Annotated[str, quantity("", "id of the question, which the answer repeats", pattern=IDENTIFIER)]
    scenario: Annotated[str, quantity("", "name of a scenario, or of a state that was made ready", max_length=64)]
    parameters: Annotated[Arguments, quantity("", "put over those of the scenario, by name")]


class Prepared(Message, frozen=True, tag_field="type", tag="prepared"):
    """The module can begin a run like this."""

    id: Annotated[str, quantity("", "id of the question", pattern=IDENTIFIER)]
    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    instance: Annotated[str, quantity("", "process instance", pattern=IDENTIFIER)]


class Snapshot(Message, frozen=True, tag_field="type", tag="snapshot"):
    """A module's newest state frame and every parameter in force."""

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    seq: Annotated[int, count("1", "tick of the state")]
    t: Annotated[float, amount("s", "simulated time of the state")]
    scenario: Annotated[str, quantity("", "scenario of the run", max_length=64)]
    parameters: Annotated[
        dict[Label, Finite | Whole | Text | bool],
        quantity("", "every parameter in force, by name", max_length=MAX_ITEMS),
    ]
    state: Annotated[State | None, quantity("", "newest state frame, null before the first")]
    events: Annotated[
        list[Event], quantity("", "newest events of this module in the run, in order", max_length=MAX_ITEMS)
    ] = msgspec.field(default_factory=list)


# Requests to the recorder (ROUTER 9230) and its replies. Lists come in blocks, since a reply has to fit into a frame.


class RunsRequest(Message, frozen=True, tag_field="type", tag="runs"):
    """Ask which runs are recorded, the newest first."""

    before: Annotated[
        str, quantity("", 'list the runs older than this one; "" begins with the newest', pattern=RUN_OR_PRESENT)
    ]


class RecordedModule(Message, frozen=True):
    """What is recorded of one module in a run."""

    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    rows: Annotated[int, count("1", "states that are recorded")]
    first: Annotated[int, count("1", "tick of the first one")]
    last: Annotated[int, count("1", "tick of the last one")]
    start: Annotated[float, amount("s", "simulated time of the first one")]
    end: Annotated[float, amount("s", "simulated time of the last one")]


class RecordedRun(Message, frozen=True):
    """One recorded run."""

    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    bytes: Annotated[int, count("B", "room that it takes on the disk")]
    recording: Annotated[bool, quantity("", "true while it is being recorded")]
    modules: Annotated[list[RecordedModule], quantity("", "what is recorded of each module", max_length=MAX_ITEMS)]


class Runs(Message, frozen=True, tag_field="type", tag="runs"):
    """The recorded runs, and the health of the recorder."""

    runs: Annotated[list[RecordedRun], quantity("", "the newest first", max_length=100)]
    more: Annotated[bool, quantity("", "true if there are older ones: ask again before the last one of these")]
    status: Annotated[Text, quantity("", "the same as health and reason, and more, for people")]
    quota: Annotated[int, count("B", "room that recordings may take")]
    used: Annotated[int, count("B", "room that all recordings take, including those that are not listed")] = 0
    free: Annotated[int, count("B", "room that is free on their disk")] = 0
    health: Annotated[Health, quantity("", "how the recorder is; unknown if its version does not say")] = "unknown"
    reason: HealthReason = ""


class ChannelsRequest(Message, frozen=True, tag_field="type", tag="channels"):
    """Ask which channels are recorded of a module, in blocks."""

    run: Annotated[str, quantity("", 'run id, or "" for the newest run', pattern=RUN_OR_PRESENT)]
    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    after: Annotated[int, count("1", "number of channels that the asker has")]


class RecordedChannel(Message, frozen=True):
    """One quantity that is recorded at every tick."""

    name: Annotated[str, quantity("", "place in the state, such as grid.net_power or floaters.fill[3]", max_length=64)]
    kind: Annotated[Literal["float", "int", "flag", "text", "texts"], quantity("", "what it holds")]
    unit: Annotated[str, quantity("", "SI unit, empty where a unit makes no sense", max_length=32)]
    meaning: Annotated[str, quantity("", "for people", max_length=256)]
    nullable: Annotated[bool, quantity("", "true if a value may not exist")]


class Channels(Message, frozen=True, tag_field="type", tag="channels"):
    """A block of the recorded channels."""

    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    total: Annotated[int, count("1", "number of channels")]
    channels: Annotated[list[RecordedChannel], quantity("", "those that follow what was asked", max_length=500)]


class HistoryRequest(Message, frozen=True, tag_field="type", tag="history"):
    """Ask for minimum, mean and maximum of channels in bins of simulated time; channels x bins is at most 6000."""

    run: Annotated[str, quantity("", 'run id, or "" for the newest run', pattern=RUN_OR_PRESENT)]
    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    channels: Annotated[list[Label], quantity("", "names of channels that hold numbers", min_length=1, max_length=64)]
    start: Annotated[float, amount("s", "simulated time of the beginning")]
    end: Annotated[float, amount("s", "simulated time of the end")]
    bins: Annotated[int, quantity("1", "most bins wanted; bins of a second or more are whole seconds", ge=1, le=1024)]


class ChannelHistory(Message, frozen=True):
    """One channel, a value for each bin; null where a channel had no value."""

    name: Annotated[str, quantity("", "name of the channel", max_length=64)]
    unit: Annotated[str, quantity("", "SI unit", max_length=32)]
    samples: Annotated[list[Count], each("1", "values in the bin")]
    minimum: Annotated[list[Finite | None], each("of the channel", "smallest value")]
    mean: Annotated[list[Finite | None], each("of the channel", "mean of the values")]
    maximum: Annotated[list[Finite | None], each("of the channel", "largest value")]


class History(Message, frozen=True, tag_field="type", tag="history"):
    """Statistics of channels. Bins without any state are left out."""

    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    module: Annotated[str, quantity("", "plant module", pattern=NAME)]
    width: Annotated[float, amount("s", "width of a bin")]
    t: Annotated[list[SimulatedTime], each("s", "simulated time at which each bin begins")]
    channels: Annotated[list[ChannelHistory], quantity("", "in the order of the request", max_length=64)]
    lost: Annotated[int, count("1", "segments of that time that are damaged or dropped and would have been needed")]


class NotesRequest(Message, frozen=True, tag_field="type", tag="notes"):
    """Ask for the events and results of a run in a stretch of simulated time, in blocks."""

    run: Annotated[str, quantity("", 'run id, or "" for the newest run', pattern=RUN_OR_PRESENT)]
    start: Annotated[float, amount("s", "simulated time of the beginning")]
    end: Annotated[float, amount("s", "simulated time of the end, not included")]
    after: Annotated[int, count("1", "how many of them the asker has")]


class Notes(Message, frozen=True, tag_field="type", tag="notes"):
    """A block of events and results, each list in order."""

    run: Annotated[str, quantity("", "run id", pattern=IDENTIFIER)]
    total: Annotated[int, count("1", "events and results in that time")]
    events: Annotated[list[Event], quantity("", "events of this block", max_length=MAX_ITEMS)]
    results: Annotated[list[Result], quantity("", "results of this block", max_length=MAX_ITEMS)]


PUBLISHED: tuple[type[Published], ...] = (Tick, Status, State, Event, Result)
"""Every message that is published under a topic."""

ClockRequest = CommandRequest | Ack | Beat | ReplayRequest | FramesRequest
"""What the clock's control socket takes, told apart by `type`."""

ClockReply = Sequenced | Refused | Replay | Frames
"""What it answers; an Ack or a Beat gets no answer."""

ModuleRequest = SnapshotRequest | FramesRequest | ForkRequest | PrepareRequest
"""What a module's snapshot socket takes."""

ModuleReply = Snapshot | Frames | Forked | Prepared | Refused
"""What it answers."""

RecorderRequest = RunsRequest | ChannelsRequest | HistoryRequest | NotesRequest
"""What the recorder takes."""

RecorderReply = Runs | Channels | History | Notes | Refused
"""What it answers."""
