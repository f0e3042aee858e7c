// Generated from docs/schemas by scripts/message_types.mjs: do not edit.

declare namespace bus {
  /** All that one plant module shows of itself after a tick. */
  interface State {
    t: number
    seq: number
    run: string
    wall: number
    module: string
    instance: string
    scenario: string
    digest: string
    results: number
    events: number
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
    alarms: Alarm[]
  }

  /** The endless chain and the forces along it (> 0 drives in the running direction). */
  interface Chain {
    position: number
    speed: number
    loop_length: number
    laps: number
    coflow_speed: number
    buoyancy_force: number
    shell_force: number
    drag_force: number
    exchange_force: number
    friction_force: number
    brake_force: number
    pto_force: number
    tension_max: number
    tension_min: number
  }

  /** One list per quantity, index = floater number. */
  interface Floaters {
    position: number[]
    height: number[]
    fill: number[]
    air_mass: number[]
    temperature: (number | null)[]
  }

  /** The compressed-air receiver between compressor and injection valve. */
  interface Receiver {
    pressure: number
    temperature: number
    air_mass: number
  }

  /** The air compressor with its load/unload control. */
  interface Compressor {
    mode: "idle" | "loaded" | "off"
    power: number
    mass_flow: number
  }

  /** The injection valve group. */
  interface Valve {
    mass_flow: number
    floater: number | null
    delivered: number | null
    target: number
    pulses: number
    missed: number
  }

  /** Sprocket, gearbox, one-way clutch and flywheel. */
  interface Drivetrain {
    sprocket_speed: number
    shaft_speed: number
    shaft_speed_rpm: number
    clutch_locked: boolean
    clutch_torque: number
  }

  /** The permanent-magnet synchronous generator. */
  interface Generator {
    torque: number
    shaft_torque: number
    power: number
    current_d: number
    current_q: number
    voltage_d: number
    voltage_q: number
    winding_temperature: number
  }

  /** The two-stage frequency converter between generator and grid. */
  interface Converter {
    on: boolean
    dc_power: number
    loss: number
  }

  /** The grid connection: two meters on one bus, both always shown. */
  interface Grid {
    export_power: number
    import_power: number
    net_power: number
    export_energy: number
    import_energy: number
    frequency: number
    voltage: number
    synchronised: boolean
    dump_load_power: number
    load_power: number
    exchange_power: number
  }

  /** The DC link between both stages of the converter. */
  interface DcLink {
    voltage: number | null
    chopper_power: number
  }

  /** The water in the shaft and the air above it. */
  interface Water {
    temperature: number
    level_rise: number
    ambient_pressure: number | null
    ambient_temperature: number | null
    surroundings_settled: boolean
  }

  /** The five claims: mode of each, what it does, and the power and energy it adds without a source. */
  interface Hypotheses {
    h1: "claimed" | "off" | "physical"
    h2: "claimed" | "off" | "physical"
    h3: "claimed" | "off" | "physical"
    jet: "claimed" | "off" | "physical"
    recovery: "claimed" | "off" | "physical"
    void_fraction: number
    bubble_force: number
    airlift_force: number
    jet_flow: number
    jet_force: number
    recovered_flow: number
    unsourced_power_h1: number
    unsourced_energy_h1: number
    unsourced_power_h2: number
    unsourced_energy_h2: number
    unsourced_power_h3: number
    unsourced_energy_h3: number
    unsourced_power_jet: number
    unsourced_energy_jet: number
    unsourced_power_recovery: number
    unsourced_energy_recovery: number
  }

  /** The plant's controller. */
  interface Plc {
    state: "coasting" | "emergency_stop" | "pressurising" | "running" | "starting" | "stopped" | "stopping" | "tripped"
    speed_setpoint: number
    speed_setpoint_rpm: number
    injection_enabled: boolean
    brake_set: boolean
    trip: string | null
    warnings: string[]
    trip_limit: string | null
    warning_limits: string[]
    warning_values: number[]
    advisories: string[]
    advisory_limits: string[]
    conditions: PlantCondition[]
  }

  /** What the controller warns of, or why it has stopped the plant; an alarm of the module while it is there. */
  interface PlantCondition {
    id: string
    priority: "high" | "low"
    name: string
    text: string
    value: number | null
    limit: number | null
    unit: string
  }

  /** Power flows at this instant: means of the last 1 ms step or its last part. Their energies are in the ledger. */
  interface Powers {
    compressor: number
    auxiliary: number
    heat_from_water: number
    unsourced: number
    grid: number
    buoyancy: number
    shaft: number
    aftercooler: number
    receiver_heat: number
    vent: number
    drag_local: number
    drag_bulk: number
    water_exchange: number
    chain_friction: number
    brake: number
    gearbox: number
    flywheel_windage: number
    clutch: number
    generator_copper: number
    generator_iron: number
    generator_mechanical: number
    generator_stray: number
    converter: number
    auxiliary_heat: number
    jet_wake: number
    h1_slip: number
    environment: number
    bath: number
    chopper: number
    dump_load: number
  }

  /** First law since the start of the run: every joule in, out and stored, and what does not close. */
  interface Ledger {
    compressor: number
    auxiliary: number
    heat_from_water: number
    unsourced: number
    grid: number
    aftercooler: number
    receiver_heat: number
    vent: number
    drag_local: number
    drag_bulk: number
    water_exchange: number
    chain_friction: number
    brake: number
    gearbox: number
    flywheel_windage: number
    clutch: number
    generator_copper: number
    generator_iron: number
    generator_mechanical: number
    generator_stray: number
    converter: number
    auxiliary_heat: number
    jet_wake: number
    h1_slip: number
    bath: number
    chopper: number
    dump_load: number
    parameter_change: number
    environment: number
    reference: number
    rebuilt: number
    stored_receiver: number
    stored_pockets: number
    stored_chain: number
    stored_shaft: number
    stored_water: number
    stored_shell: number
    stored_magnetic: number
    stored_dc_link: number
    stored_bath: number
    stored_surface: number
    residual: number
    r_a: number
  }

  /** First law once more: every power re-integrated by trapezoid from sampled force x speed, flow x enthalpy. */
  interface Sampled {
    compressor: number
    auxiliary: number
    heat_from_water: number
    unsourced: number
    grid: number
    aftercooler: number
    receiver_heat: number
    vent: number
    drag_local: number
    drag_bulk: number
    water_exchange: number
    chain_friction: number
    brake: number
    gearbox: number
    flywheel_windage: number
    clutch: number
    generator_copper: number
    generator_iron: number
    generator_mechanical: number
    generator_stray: number
    converter: number
    auxiliary_heat: number
    jet_wake: number
    h1_slip: number
    environment: number
    bath: number
    chopper: number
    dump_load: number
    residual: number
    r_b: number
  }

  /** Second law since the start: exergy in, out, stored and destroyed; no line of destruction is ever negative. */
  interface Exergy {
    work_in: number
    unsourced: number
    heat_exergy: number
    parameter_change: number
    environment: number
    dead_state: number
    rebuilt: number
    grid: number
    stored: number
    stored_total: number | null
    stored_receiver: number | null
    stored_pockets: number | null
    stored_chain: number | null
    stored_shaft: number | null
    stored_water: number | null
    stored_shell: number | null
    stored_magnetic: number | null
    stored_dc_link: number | null
    stored_bath: number | null
    stored_surface: number | null
    stored_recovered: number | null
    losses: number
    destroyed_compressor: number
    destroyed_receiver_mixing: number
    destroyed_receiver_wall: number
    destroyed_relief: number
    destroyed_valve: number
    destroyed_pocket_mixing: number
    destroyed_pocket_heat: number
    destroyed_vent: number
    destroyed_recovery: number
    destroyed_bath: number
    residual: number
    r_c: number
  }

  /** Means over the last complete laps; null before the first lap is complete. */
  interface Meters {
    laps: number
    chain_speed: number | null
    generator_rpm: number | null
    compressor_power: number | null
    auxiliary_power: number | null
    buoyancy_power: number | null
    shaft_power: number | null
    grid_power: number | null
    steady: boolean
    storage_change: number | null
    storage_share: number | null
    storage_limit: number | null
    unsteady_reason: "no_complete_lap" | "none" | "nothing_taken_in" | "stores_changed"
    net_power: number | null
    cop: number | null
    cop_raw: number | null
    cop_without_claims: number | null
    air_mass_flow: number | null
    drag_power: number | null
    heat_from_water: number | null
    water_exchange_power: number | null
    chain_friction_power: number | null
    unsourced_power: number | null
    tension_max: number | null
    tension_min: number | null
    receiver_pressure_min: number | null
    receiver_pressure_max: number | null
    pocket_temperature_min: number | null
    settled: boolean
  }

  /** One alarm that is active, or has gone without anybody having acknowledged it, in the manner of ISA-18.2. */
  interface Alarm {
    id: string
    module: string
    priority: "high" | "low"
    text: string
    state: "acknowledged" | "returned_unacknowledged" | "unacknowledged"
    active: boolean
    first_out: boolean
    raised_seq: number
    raised_t: number
    value: number | null
    limit: number | null
    unit: string
    cleared_t: number | null
    acknowledged_t: number | null
    acknowledged_by: string | null
  }

  /** The clock's report on time, flow control and peers, five times a second. */
  interface Status {
    t: number
    seq: number
    run: string
    wall: number
    epoch: number
    mode: "paused" | "running" | "stopped"
    speed: number
    flat_out: boolean
    achieved_speed: number
    rate: number
    lateness: Lateness | null
    frames_sent: number
    deadlines_missed: number
    bad_frames: number
    policy: "catch_up" | "hold" | "stop"
    held: string[]
    held_time: number
    owed_time: number
    problems: string[]
    realtime_priority: boolean
    scenario: string
    peers: Peer[]
    replay: string
    replay_start: number
    replay_end: number
    alarms: Alarm[]
    unrecorded: Record<string, number>
  }

  /** How late ticks left, over the last status interval. */
  interface Lateness {
    p50: number
    p99: number
    max: number
  }

  /** A node as the clock knows it from its beats. */
  interface Peer {
    node: string
    instance: string
    pid: number
    status: string
    seq: number
    gaps: number
    age: number
    queue: number
    restarts: number | null
    supervisor: string
    program: string
    health: "alarm" | "behind" | "catching_up" | "degraded" | "fault" | "ok" | "starting" | "unknown"
    reason: string
    clients: number | null
  }

  /** Something worth a line in a log: a change of state, a warning, a fault. */
  interface Event {
    t: number
    seq: number
    run: string
    wall: number
    module: string
    severity: "alarm" | "fault" | "info" | "warning"
    kind: string
    text: string
  }

  /** The recorded runs, and the health of the recorder. */
  interface Runs {
    type: "runs"
    runs: RecordedRun[]
    more: boolean
    status: string
    quota: number
    used: number
    free: number
    health: "alarm" | "behind" | "catching_up" | "degraded" | "fault" | "ok" | "starting" | "unknown"
    reason: string
  }

  /** One recorded run. */
  interface RecordedRun {
    run: string
    bytes: number
    recording: boolean
    modules: RecordedModule[]
  }

  /** What is recorded of one module in a run. */
  interface RecordedModule {
    module: string
    rows: number
    first: number
    last: number
    start: number
    end: number
  }

  /** A block of the recorded channels. */
  interface Channels {
    type: "channels"
    run: string
    module: string
    total: number
    channels: RecordedChannel[]
  }

  /** One quantity that is recorded at every tick. */
  interface RecordedChannel {
    name: string
    kind: "flag" | "float" | "int" | "text" | "texts"
    unit: string
    meaning: string
    nullable: boolean
  }

  /** Statistics of channels. Bins without any state are left out. */
  interface History {
    type: "history"
    run: string
    module: string
    width: number
    t: number[]
    channels: ChannelHistory[]
    lost: number
  }

  /** One channel, a value for each bin; null where a channel had no value. */
  interface ChannelHistory {
    name: string
    unit: string
    samples: number[]
    minimum: (number | null)[]
    mean: (number | null)[]
    maximum: (number | null)[]
  }

  /** The state is on disk: a `reset` of the clock with this scenario begins a run from it, at time zero. */
  interface Forked {
    type: "forked"
    module: string
    scenario: string
    t: number
    digest: string
  }
}
