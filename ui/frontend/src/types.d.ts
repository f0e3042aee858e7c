// Types of the page: what the server sends beside messages of the bus, and what the page's parts hand to each other.
//
// Those of the stream describe what `ui/page_stream.py`, `ui/status_payload.py` and `ui/server.py` send; a test compares them.

declare module "*.css" {
  const text: string
  export default text
}

/** For tests, and for anybody who wants to see in the browser's console how the page is doing. */
declare var __kpp: {
  readonly frames: number
  readonly seq: number
  readonly t: number | null
  readonly run: number
  readonly samples: number
  readonly state: ui.Freshness
  readonly rate: number
  readonly age: number | null
  readonly latency: number[]
  times(): number[]
  recorded(): string
  rung?(): number
  mimic: { drawn: number; travelled: number }
  plots: { drawn: number }
  page?: string
  history?: { range: ui.Range | null; bins: number; channels: string[]; live: boolean; run: string }
}

/** The library of the server's page, which reports when the session's own connection is lost. */
declare var Bokeh: { documents: { on_event(name: "connection_lost", listener: () => void): void }[] } | undefined

declare namespace ui {
  type Value = number | string
  type Range = [number, number]
  type Freshness = "live" | "stale" | "missing"
  /** Gives the value of a channel in the unit that people read; null if there is none. */
  type Read = (path: string) => number | null

  // What the server sends -----------------------------------------------------------------------------------------------

  /** A number of the state: shown = value * factor + offset. */
  interface ChannelDeclaration {
    path: string
    unit: string
    factor: number
    offset: number
    decimals: number
    meaning: string
  }

  /** A channel with its place `i` among the newest values of a display frame. */
  interface Channel extends ChannelDeclaration {
    i: number
  }

  /**
   * A condition that trips the plant. `parameter`: the parameter that the limit is a multiple of, or empty; `below`: true for a
   * lower limit; `hold`: seconds for which it has to be exceeded.
   */
  interface Interlock {
    name: string
    path: string
    limit: number
    parameter: string
    below: boolean
    hold: number
  }

  interface ParameterDeclaration {
    name: string
    symbol: string
    unit: string
    default: Value
    minimum: number | null
    maximum: number | null
    choices: string[]
    kind: "built" | "condition" | "setting" | "environment"
    flag: string
    text: string
    ramp: number | null
    structural: boolean
    forkable: boolean
  }

  /** For each command the state of the controller that it leads to from each state in which it is accepted. */
  type Moves = Record<string, Record<string, string>>

  interface Hello {
    type: "hello"
    boot: string
    protocol: number
    layout: number
    interval: number
    series: ChannelDeclaration[]
    readings: ChannelDeclaration[]
    orders: Moves
    interlocks: Interlock[]
    declarations: ParameterDeclaration[]
    modules: string[]
    /** The module that is shown; null if the address names one that does not exist. */
    module: string | null
    scenarios: string[]
  }

  interface Clock {
    run: string
    mode: bus.Status["mode"]
    speed: number
    flat_out: boolean
    achieved_speed: number
    rate: number
    held: string[]
    scenario: string
    policy: bus.Status["policy"]
    problems: string[]
    /** The recorded run that is played back; empty for a living plant. */
    replay: string
    replay_range: Range
  }

  type Hypothesis = "h1" | "h2" | "h3" | "jet" | "recovery"

  interface Module {
    name: string
    run: string
    scenario: string
    instance: string
    catching_up: boolean
    replay: boolean
    hypotheses: Record<Hypothesis, bus.Hypotheses["h1"]>
    synchronised: boolean
    plc: bus.Plc["state"]
    trip: string | null
    settled: boolean
    warnings: string[]
    advisories: string[]
    brake_set: boolean
    injection_enabled: boolean
    compressor_mode: bus.Compressor["mode"]
    served: number | null
    pulses: number
    missed: number
    clutch_locked: boolean
    converter_on: boolean
  }

  interface Node {
    node: string
    label: string
    state: Freshness | "unknown"
    age: number | null
  }

  interface Peer {
    node: string
    instance: string
    pid: number
    status: string
    behind: number | null
    gaps: number
    queue: number
    age: number
    restarts: number | null
  }

  interface ClockReport {
    epoch: number
    policy: bus.Status["policy"]
    frames_sent: number
    deadlines_missed: number
    bad_frames: number
    held_time: number
    owed_time: number
    problems: string[]
    realtime_priority: boolean
    lateness_ms: number[] | null
    fenced: number
    peers: Peer[]
  }

  interface Bus {
    bus_rate: number
    state_rate: number
    lost: number
    repaired: number
    bad_frames: number
    timing: { edges_ms: number[]; late: number[]; travelled: number[] }
    system: ClockReport | null
  }

  interface Replaying {
    run: string
    port: number
    reason: string
    state: "starting" | "playing" | "ended"
  }

  interface Note {
    type: "note"
    clock: Clock | null
    module: Module | null
    nodes: Node[]
    bus: Bus
    replaying: Replaying | null
  }

  /** Parameters in force by name: those with which the page computes, and all others. */
  interface Parameters {
    bucket_height: number
    floater_volume: number
    gear_ratio: number
    generator_rated_speed: number
    gravity: number
    injection_start_tilt: number
    injection_window_length: number
    load_pressure: number
    mouth_area: number
    sprocket_radius: number
    trip_pressure: number
    unload_pressure: number
    water_density: number
    water_depth: number
    floater_count: number
    [name: string]: Value
  }

  interface Geometry {
    type: "geometry"
    run: string
    seq: number
    parameters: Parameters
  }

  interface NoGeometry {
    type: "geometry"
    run: ""
    seq: 0
    parameters: null
  }

  type Event = Pick<bus.Event, "t" | "seq" | "module" | "severity" | "text">

  interface Alarms {
    type: "alarms"
    alarms: bus.Alarm[]
    events: Event[]
  }

  type Phase = "sent" | "sequenced" | "applied" | "rejected" | "refused" | "unanswered"

  /** What is known of a command, from the bus or because this page has sent it. */
  interface Command {
    id: string
    module: string
    name: string
    args: Record<string, unknown>
    phase: Phase
    origin?: string
    t?: number | null
    seq?: number
    reason?: string
    /** True if this page has sent it. */
    mine?: boolean
  }

  type StreamMessage = Hello | Note | Geometry | NoGeometry | Alarms | ({ type: "command" } & Command)
  type StreamEvent = StreamMessage["type"] | "commands"

  /** A display frame of `ui/frames.py`. */
  interface Frame {
    number: number
    wall: number
    stateWall: number
    t: number
    stateAge: number
    clockAge: number
    run: number
    first: number
    count: number
    width: number
    times: Float64Array
    values: Float32Array
    newest: Float32Array
    airMass: Float32Array
    temperature: Float32Array
    position: Float32Array
    fill: Float32Array
  }

  // What the page asks the server ---------------------------------------------------------------------------------------

  /** The page's end of the session's own connection, as Panel gives it to a component. */
  interface Model {
    send_msg(message: unknown): void
    on(name: "msg:custom", listener: (answer: Answer) => void): void
  }

  /** An answer: one to a question has `ok`, one to a command has `phase`. */
  interface Answer {
    id: string
    ok?: boolean
    data?: unknown
    phase?: Phase
    t?: number | null
    reason: string
  }

  /** A plant of the lab: means over laps, null if it has not settled. */
  interface LabMeans {
    settled: boolean
    laps: number | null
    trip: string | null
    net_power: number | null
    grid_power: number | null
    compressor_power: number | null
    auxiliary_power: number | null
    cop: number | null
    cop_without_claims: number | null
    storage_share: number | null
    storage_limit: number | null
    unsourced_power: number | null
    chain_speed: number | null
  }

  interface LabRow extends LabMeans {
    hypothesis: Hypothesis | "none"
    mode: bus.Hypotheses["h1"]
    plc: string
    t: number
    laps: number
    left_out: number
    r_a: number
  }

  interface Questions {
    presets: { args: Record<string, never>; data: string[] }
    preset_read: { args: { name: string }; data: Record<string, Value> }
    preset_save: { args: { name: string; parameters: Record<string, Value>; new: boolean }; data: string[] }
    preset_delete: { args: { name: string }; data: string[] }
    runs: { args: { before?: string }; data: bus.Runs }
    channels: { args: { run: string }; data: Pick<bus.Channels, "run" | "channels"> }
    history: {
      args: { run: string; channels: string[]; start: number; end: number; bins: number }
      data: bus.History
    }
    tick_at: { args: { run: string; t: number }; data: { seq: number } }
    fork: {
      args: { run: string; seq: number; parameters: Record<string, unknown>; id: string }
      data: { run: string; scenario: string; t: number; digest: string }
    }
    compare: { args: { parameters: Parameters }; data: { rows: LabRow[] } }
    replay: { args: { run: string }; data: null }
    replay_end: { args: Record<string, never>; data: null }
  }

  // What the parts of the page hand to each other -----------------------------------------------------------------------

  type Commands = import("./stream/commands.js").Commands
  type Stream = import("./stream/stream.js").Stream

  /** Asks a question; true if the button that names the action was pressed. */
  type Confirm = (title: string, text: string, action: string) => Promise<boolean>

  interface Tools {
    commands: Commands
    confirm: Confirm
    fields: (box: HTMLElement, names: string[]) => () => void
  }

  /** A page that was started: what is called while it is open. */
  interface OpenPage {
    /** Called a few times a second, for what is read. */
    round(): void
    /** Called for each frame of the display, for what moves; `fresh`: true if there are new data. */
    paint?(now: number, fresh: boolean): void
    /** Called for each frame of data. */
    draw?(): void
    /** Called when the page is opened. */
    shown?(): unknown
    /** Called when the colours have changed. */
    restyle?(): void
    /** Called when the page is opened, and when its size has changed. */
    resize?(): void
  }

  interface PageModule {
    HTML: string
    start(root: HTMLElement, tools: Tools): OpenPage
  }

  /** A line of a plot over simulated time. */
  interface TrendLine {
    path: string
    label: string
    colour: string
    /** True if it belongs to the axis on the right. */
    right?: boolean
    dash?: number[]
  }

  interface TrendPlot {
    id: string
    title: string
    lines: TrendLine[]
    /** Smallest range of the left axis and of the right one. */
    least: number[]
    /** Set on pages that show channels of the overview again: then the test ids have the name of the plot in them. */
    page?: number
    /** True if the left axis has to include zero. */
    zero?: boolean
    /** Values that are marked, with their names. */
    levels?: (parameters: Parameters) => [number, string][]
  }

  /** Gives a colour by its name in the style sheet. */
  type Palette = (name: string) => string

  /** Why a mean is withheld: in a word, in short, and in a sentence. */
  interface Withheld {
    word: string
    short: string
    text: string
    figure?: string
  }
}
