"""The state frame: all that one plant module shows of itself at a tick, grouped by physical part.

Values are SI unless the name ends in a unit. A value that does not exist (the temperature of an empty pocket, a lap
mean before the first lap) is null and never a stand-in number. Powers are positive in the direction their text names.

A field with a default was added after its group was first published: recordings and modules from before have none.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from bus.protocol.schema import MAX_ITEMS, Count, Finite, Label, Message, Text, count, each, number, quantity

LedgerSide = Literal["in", "out", "stored"]
"""Side of the energy balance on which a line of the ledger stands."""


def booked(side: LedgerSide, meaning: str) -> Meta:
    """Annotate a line of the ledger in joules, with the side of the balance on which it stands.

    Args:
        side: in, out or stored.
        meaning: what the line counts, without its side.
    """
    # The side is a field of the schema for programs, and the beginning of the description for people.
    limits = number("J", f"{side}: {meaning}")
    return Meta(
        title=meaning,
        description=limits.description,
        extra_json_schema={"unit": "J", "side": side},
        ge=limits.ge,
        le=limits.le,
    )


class Chain(Message, frozen=True):
    """The endless chain and the forces along it (> 0 drives in the running direction)."""

    position: Annotated[float, number("m", "chain position s of floater 0 since the start, not wrapped")]
    speed: Annotated[float, number("m/s", "chain speed v, > 0 in the running direction")]
    loop_length: Annotated[float, number("m", "length L of the chain loop")]
    laps: Annotated[int, count("1", "complete laps since the start")]
    coflow_speed: Annotated[float, number("m/s", "speed u of the water dragged along with the chain")]
    buoyancy_force: Annotated[float, number("N", "sum of the buoyancy forces along the chain")]
    shell_force: Annotated[float, number("N", "sum of the shells' own buoyancy minus weight along the chain")]
    drag_force: Annotated[float, number("N", "hydrodynamic drag F_d, > 0 brakes forward motion")]
    exchange_force: Annotated[float, number("N", "force that accelerates ingested water, > 0 brakes forward motion")]
    friction_force: Annotated[float, number("N", "chain friction F_f, > 0 brakes forward motion")]
    brake_force: Annotated[float, number("N", "force of the holding brake, > 0 brakes forward motion")]
    pto_force: Annotated[float, number("N", "force of the drivetrain on the chain, > 0 brakes forward motion")]
    tension_max: Annotated[float, number("N", "highest tension in the loop")]
    tension_min: Annotated[float, number("N", "lowest tension in the loop, < 0 means slack")]


class Floaters(Message, frozen=True):
    """One list per quantity, index = floater number."""

    position: Annotated[list[Finite], each("m", "position s_i along the loop, 0 <= s_i < L, 0 = bottom of the up run")]
    height: Annotated[list[Finite], each("m", "height z_i above the lowest chain point")]
    fill: Annotated[list[Finite], each("1", "air volume over floater volume V_i/V, 0 to 1")]
    air_mass: Annotated[list[Finite], each("kg", "air in the pocket m_i")]
    temperature: Annotated[list[Finite | None], each("K", "air temperature T_i, null for an empty pocket")]


class Receiver(Message, frozen=True):
    """The compressed-air receiver between compressor and injection valve."""

    pressure: Annotated[float, number("Pa", "absolute pressure p_r")]
    temperature: Annotated[float, number("K", "air temperature T_r")]
    air_mass: Annotated[float, number("kg", "stored air m_r")]


class Compressor(Message, frozen=True):
    """The air compressor with its load/unload control."""

    mode: Annotated[Literal["off", "idle", "loaded"], quantity("", "off, idle or loaded")]
    power: Annotated[float, number("W", "electric power P_el taken from the grid")]
    mass_flow: Annotated[float, number("kg/s", "air delivered to the receiver")]


class Valve(Message, frozen=True):
    """The injection valve group."""

    mass_flow: Annotated[float, number("kg/s", "air through the valve")]
    floater: Annotated[Count | None, quantity("", "number of the floater being served, null when shut")]
    delivered: Annotated[Finite | None, quantity("kg", "air delivered so far to that floater, null when shut")]
    target: Annotated[float, number("kg", "target mass of a pulse m_t")]
    pulses: Annotated[int, count("1", "pulses completed since the start")]
    missed: Annotated[int, count("1", "pulses that ended below the target mass")]


class Drivetrain(Message, frozen=True):
    """Sprocket, gearbox, one-way clutch and flywheel."""

    sprocket_speed: Annotated[float, number("rad/s", "angular speed of the top sprocket W")]
    shaft_speed: Annotated[float, number("rad/s", "angular speed of the fast shaft w")]
    shaft_speed_rpm: Annotated[float, number("rpm", "the same in revolutions per minute")]
    clutch_locked: Annotated[bool, quantity("", "true while the one-way clutch transmits torque")]
    clutch_torque: Annotated[float, number("N m", "torque tau_c through the clutch, on the fast side")]


class Generator(Message, frozen=True):
    """The permanent-magnet synchronous generator."""

    torque: Annotated[float, number("N m", "air-gap torque tau_em, > 0 brakes the shaft")]
    shaft_torque: Annotated[float, number("N m", "torque tau_gen taken from the shaft, losses included")]
    power: Annotated[float, number("W", "electric power at the terminals P_gen")]
    current_d: Annotated[float, number("A", "direct-axis current i_d, peak")]
    current_q: Annotated[float, number("A", "quadrature-axis current i_q, peak")]
    voltage_d: Annotated[float, number("V", "direct-axis voltage v_d, peak")]
    voltage_q: Annotated[float, number("V", "quadrature-axis voltage v_q, peak")]
    winding_temperature: Annotated[float, number("K", "winding temperature")]


class Converter(Message, frozen=True):
    """The two-stage frequency converter between generator and grid."""

    on: Annotated[bool, quantity("", "true while the converter works")]
    dc_power: Annotated[float, number("W", "power into the DC link P_dc")]
    loss: Annotated[float, number("W", "losses of both stages")]


class Grid(Message, frozen=True):
    """The grid connection: two meters on one bus, both always shown."""

    export_power: Annotated[float, number("W", "power delivered by the generator's converter, < 0 while it imports")]
    import_power: Annotated[float, number("W", "power taken by compressor and auxiliaries")]
    net_power: Annotated[float, number("W", "export minus import")]
    export_energy: Annotated[float, number("J", "export meter, sum since the start")]
    import_energy: Annotated[float, number("J", "import meter, sum since the start")]
    frequency: Annotated[float, number("Hz", "grid frequency")]
    voltage: Annotated[float, number("1", "grid voltage over nominal")]
    synchronised: Annotated[bool, quantity("", "true while the grid breaker is closed")]
    dump_load_power: Annotated[float, number("W", "power into the dump load, part of neither meter")]
    load_power: Annotated[float, number("W", "power of other consumers on the plant's bus")]
    exchange_power: Annotated[float, number("W", "power from the bus to the grid: export minus import minus load")]


class DcLink(Message, frozen=True):
    """The DC link between both stages of the converter."""

    voltage: Annotated[Finite | None, quantity("V", "voltage of the link, null when it is modelled as stiff")]
    chopper_power: Annotated[float, number("W", "power that the brake chopper turns into heat")]


class Water(Message, frozen=True):
    """The water in the shaft and the air above it."""

    temperature: Annotated[float, number("K", "water temperature, that of the surroundings unless the bath is finite")]
    level_rise: Annotated[float, number("m", "rise of the free surface by the air in the water")]
    ambient_pressure: Annotated[Finite | None, quantity("Pa", "absolute pressure at the surface p0, now")] = None
    ambient_temperature: Annotated[Finite | None, quantity("K", "temperature of the air T0, now")] = None
    surroundings_settled: Annotated[
        bool, quantity("", "air and water around the plant are where the parameters set them; else they ramp there")
    ] = False


class Hypotheses(Message, frozen=True):
    """The five claims: mode of each, what it does, and the power and energy it adds without a source."""

    h1: Annotated[Literal["off", "physical", "claimed"], quantity("", "bubbles in the down shaft")]
    h2: Annotated[Literal["off", "physical", "claimed"], quantity("", "heat from the water")]
    h3: Annotated[Literal["off", "physical", "claimed"], quantity("", "pulse and coast")]
    jet: Annotated[Literal["off", "physical", "claimed"], quantity("", "jets of expelled water")]
    recovery: Annotated[Literal["off", "physical", "claimed"], quantity("", "pressure recovery of vented air")]
    void_fraction: Annotated[float, number("1", "share of gas in the down shaft")]
    bubble_force: Annotated[float, number("N", "H1: force on the chain, > 0 drives")]
    airlift_force: Annotated[float, number("N", "H1: force of the bubbles on the water, against the co-flow")]
    jet_flow: Annotated[float, number("m3/s", "water expelled by the floater being served")]
    jet_force: Annotated[float, number("N", "thrust of the jet on the chain, > 0 drives")]
    recovered_flow: Annotated[float, number("kg/s", "air that the suction buffer offers the compressor")]
    unsourced_power_h1: Annotated[float, number("W", "H1: power without a source")]
    unsourced_energy_h1: Annotated[float, number("J", "H1: energy without a source since the start")]
    unsourced_power_h2: Annotated[float, number("W", "H2: power without a source")]
    unsourced_energy_h2: Annotated[float, number("J", "H2: energy without a source since the start")]
    unsourced_power_h3: Annotated[float, number("W", "H3: power without a source")]
    unsourced_energy_h3: Annotated[float, number("J", "H3: energy without a source since the start")]
    unsourced_power_jet: Annotated[float, number("W", "jet: power without a source")]
    unsourced_energy_jet: Annotated[float, number("J", "jet: energy without a source since the start")]
    unsourced_power_recovery: Annotated[float, number("W", "pressure recovery: power without a source")]
    unsourced_energy_recovery: Annotated[float, number("J", "pressure recovery: energy without a source")]


class PlantCondition(Message, frozen=True):
    """What the controller warns of, or why it has stopped the plant; an alarm of the module while it is there."""

    id: Annotated[Label, quantity("", "the same for the same condition ever after, such as chain_tension")]
    priority: Annotated[Literal["high", "low"], quantity("", "high: a trip or an emergency stop; low: a warning")]
    name: Annotated[Label, quantity("", "what people call it")]
    text: Annotated[Text, quantity("", "the same with its numbers, for people")]
    value: Annotated[Finite | None, quantity("as `unit` says", "what is measured, null where nothing is")] = None
    limit: Annotated[Finite | None, quantity("as `unit` says", "what is passed, null where nothing is measured")] = None
    unit: Annotated[str, quantity("", "SI unit of value and limit, empty for a share", max_length=32)] = ""


class Plc(Message, frozen=True):
    """The plant's controller."""

    state: Annotated[
        Literal["stopped", "pressurising", "starting", "running", "coasting", "stopping", "emergency_stop", "tripped"],
        quantity("", "state of the sequence"),
    ]
    speed_setpoint: Annotated[float, number("rad/s", "set-point of the shaft speed in force")]
    speed_setpoint_rpm: Annotated[float, number("rpm", "the same in revolutions per minute")]
    injection_enabled: Annotated[bool, quantity("", "true while air may be injected")]
    brake_set: Annotated[bool, quantity("", "true while the holding brake is set")]
    trip: Annotated[Text | None, quantity("", "cause of the trip in force, null when none")]
    warnings: Annotated[list[Text], quantity("", "warnings in force", max_length=MAX_ITEMS)]
    # Texts and lists in parallel, from before there was `conditions`, which has the same as fields. They stay for
    # programs that read them.
    trip_limit: Annotated[Text | None, quantity("", "limit that the trip is for, as number and SI unit")] = None
    warning_limits: Annotated[
        list[Text],
        quantity("", "limit of each warning in the same order, as number and SI unit", max_length=MAX_ITEMS),
    ] = field(default_factory=list)
    warning_values: Annotated[
        list[Finite],
        each("1", "what is measured of each warning, in the unit of its limit and in the same order"),
    ] = field(default_factory=list)
    advisories: Annotated[
        list[Text],
        quantity("", "remarks on the parameters in force, for a designer; no alarms", max_length=MAX_ITEMS),
    ] = field(default_factory=list)
    advisory_limits: Annotated[
        list[Text],
        quantity("", "limit of each of these in the same order, as number and SI unit", max_length=MAX_ITEMS),
    ] = field(default_factory=list)
    conditions: Annotated[
        list[PlantCondition],
        quantity("", "trip, emergency stop and warnings in force, with their limits as numbers", max_length=MAX_ITEMS),
    ] = field(default_factory=list)


class Powers(Message, frozen=True, kw_only=True):
    """Power flows at this instant: means of the last 1 ms step or its last part. Their energies are in the ledger."""

    compressor: Annotated[float, number("W", "electric power into the compressor")]
    auxiliary: Annotated[float, number("W", "electric power into auxiliaries")]
    heat_from_water: Annotated[float, number("W", "heat from the water into the pockets")]
    unsourced: Annotated[float, number("W", "power that a claim adds without a source")]
    grid: Annotated[float, number("W", "electric power delivered to the grid")]
    buoyancy: Annotated[float, number("W", "work rate of buoyancy on the chain")]
    shaft: Annotated[float, number("W", "mechanical power into the generator tau_gen w")]
    aftercooler: Annotated[float, number("W", "heat rejected by compressor and aftercooler")]
    receiver_heat: Annotated[float, number("W", "heat lost through the receiver wall")]
    vent: Annotated[float, number("W", "enthalpy leaving with vented air, against ambient")]
    drag_local: Annotated[float, number("W", "drag dissipated at the floaters")]
    drag_bulk: Annotated[float, number("W", "drag dissipated by the co-flow in the shaft")]
    water_exchange: Annotated[float, number("W", "kinetic energy given to exchanged water")]
    chain_friction: Annotated[float, number("W", "chain and pin friction")]
    brake: Annotated[float, number("W", "holding brake")]
    gearbox: Annotated[float, number("W", "gearbox, load and no-load")]
    flywheel_windage: Annotated[float, number("W", "flywheel windage")]
    clutch: Annotated[float, number("W", "inelastic loss at clutch locking")]
    generator_copper: Annotated[float, number("W", "winding loss")]
    generator_iron: Annotated[float, number("W", "iron loss")]
    generator_mechanical: Annotated[float, number("W", "friction and windage of the generator")]
    generator_stray: Annotated[float, number("W", "stray load loss")]
    converter: Annotated[float, number("W", "losses of both converter stages")]
    auxiliary_heat: Annotated[float, number("W", "power of auxiliaries that ends as heat")]
    jet_wake: Annotated[float, number("W", "kinetic energy left in the wake of water jets")]
    h1_slip: Annotated[float, number("W", "bubble flow: paid power that is not recovered")]
    environment: Annotated[float, number("W", "work and heat of surroundings that change, in")] = 0.0
    bath: Annotated[float, number("W", "net heat into a finite water bath, in")]
    chopper: Annotated[float, number("W", "brake chopper of the DC link")]
    dump_load: Annotated[float, number("W", "dump load")]


class Ledger(Message, frozen=True, kw_only=True):
    """First law since the start of the run: every joule in, out and stored, and what does not close."""

    compressor: Annotated[float, booked("in", "electric energy of the compressor")]
    auxiliary: Annotated[float, booked("in", "electric energy of auxiliaries")]
    heat_from_water: Annotated[float, booked("in", "heat from the water, of either sign")]
    unsourced: Annotated[float, booked("in", "energy without a source in the model (claims)")]
    grid: Annotated[float, booked("out", "electric energy to the grid")]
    aftercooler: Annotated[float, booked("out", "heat rejected by compressor and aftercooler")]
    receiver_heat: Annotated[float, booked("out", "heat through the receiver wall")]
    vent: Annotated[float, booked("out", "enthalpy of vented air")]
    drag_local: Annotated[float, booked("out", "drag at the floaters")]
    drag_bulk: Annotated[float, booked("out", "co-flow dissipation")]
    water_exchange: Annotated[float, booked("out", "exchanged water")]
    chain_friction: Annotated[float, booked("out", "chain friction")]
    brake: Annotated[float, booked("out", "holding brake")]
    gearbox: Annotated[float, booked("out", "gearbox")]
    flywheel_windage: Annotated[float, booked("out", "flywheel windage")]
    clutch: Annotated[float, booked("out", "clutch")]
    generator_copper: Annotated[float, booked("out", "winding loss")]
    generator_iron: Annotated[float, booked("out", "iron loss")]
    generator_mechanical: Annotated[float, booked("out", "generator friction and windage")]
    generator_stray: Annotated[float, booked("out", "stray load loss")]
    converter: Annotated[float, booked("out", "converter")]
    auxiliary_heat: Annotated[float, booked("out", "heat of auxiliaries")]
    jet_wake: Annotated[float, booked("out", "wake of water jets")]
    h1_slip: Annotated[float, booked("out", "bubble flow")]
    bath: Annotated[float, booked("in", "net heat into a finite water bath, from outside less what pockets took")]
    chopper: Annotated[float, booked("out", "brake chopper of the DC link")]
    dump_load: Annotated[float, booked("out", "dump load")]
    parameter_change: Annotated[
        float,
        booked(
            "in", "0 since no change of parameters alters what is stored; before, the stored energy that it changed"
        ),
    ]
    environment: Annotated[float, booked("in", "work and heat of surroundings that change, of either sign")] = 0.0
    reference: Annotated[float, booked("in", "the zero of the air's energy moved with the ambient temperature")] = 0.0
    rebuilt: Annotated[
        float, number("J", "stored energy at the start of a fork with another machine, less its parent's")
    ] = 0.0
    stored_receiver: Annotated[float, booked("stored", "air in the receiver, against ambient")]
    stored_pockets: Annotated[float, booked("stored", "pockets, sum of m cp (T - T0)")]
    stored_chain: Annotated[float, booked("stored", "kinetic energy of chain, floaters and water in them")]
    stored_shaft: Annotated[float, booked("stored", "kinetic energy of the fast shaft")]
    stored_water: Annotated[float, booked("stored", "kinetic energy of the co-flow")]
    stored_shell: Annotated[float, booked("stored", "potential energy of the shells")]
    stored_magnetic: Annotated[float, booked("stored", "magnetic energy of the generator")]
    stored_dc_link: Annotated[float, booked("stored", "DC link")]
    stored_bath: Annotated[float, booked("stored", "heat of a finite water bath, against its first temperature")]
    stored_surface: Annotated[float, booked("stored", "rise of the free surface, counted against the pockets")]
    residual: Annotated[float, number("J", "stored(t) - stored(0) - (in - out): zero if every joule is booked")]
    r_a: Annotated[float, number("1", "residual over the energy scale; the gate is 1e-9")]


class Sampled(Message, frozen=True, kw_only=True):
    """First law once more: every power re-integrated by trapezoid from sampled force x speed, flow x enthalpy."""

    compressor: Annotated[float, number("J", "in: electric energy of the compressor")]
    auxiliary: Annotated[float, number("J", "in: electric energy of auxiliaries")]
    heat_from_water: Annotated[float, number("J", "in: heat from the water, of either sign")]
    unsourced: Annotated[float, number("J", "in: energy without a source in the model (claims)")]
    grid: Annotated[float, number("J", "out: electric energy to the grid")]
    aftercooler: Annotated[float, number("J", "out: heat rejected by compressor and aftercooler")]
    receiver_heat: Annotated[float, number("J", "out: heat through the receiver wall")]
    vent: Annotated[float, number("J", "out: enthalpy of vented air")]
    drag_local: Annotated[float, number("J", "out: drag at the floaters")]
    drag_bulk: Annotated[float, number("J", "out: co-flow dissipation")]
    water_exchange: Annotated[float, number("J", "out: exchanged water")]
    chain_friction: Annotated[float, number("J", "out: chain friction")]
    brake: Annotated[float, number("J", "out: holding brake")]
    gearbox: Annotated[float, number("J", "out: gearbox")]
    flywheel_windage: Annotated[float, number("J", "out: flywheel windage")]
    clutch: Annotated[float, number("J", "out: clutch")]
    generator_copper: Annotated[float, number("J", "out: winding loss")]
    generator_iron: Annotated[float, number("J", "out: iron loss")]
    generator_mechanical: Annotated[float, number("J", "out: generator friction and windage")]
    generator_stray: Annotated[float, number("J", "out: stray load loss")]
    converter: Annotated[float, number("J", "out: converter")]
    auxiliary_heat: Annotated[float, number("J", "out: heat of auxiliaries")]
    jet_wake: Annotated[float, number("J", "out: wake of water jets")]
    h1_slip: Annotated[float, number("J", "out: bubble flow")]
    environment: Annotated[float, number("J", "in: work and heat of surroundings that change, of either sign")] = 0.0
    bath: Annotated[float, number("J", "in: net heat into a finite water bath, from outside less what pockets took")]
    chopper: Annotated[float, number("J", "out: brake chopper of the DC link")]
    dump_load: Annotated[float, number("J", "out: dump load")]
    residual: Annotated[float, number("J", "stored(t) - stored(0) - (in - out) with these lines")]
    r_b: Annotated[float, number("1", "residual over the energy scale; the gate is 1e-4")]


class Exergy(Message, frozen=True, kw_only=True):
    """Second law since the start: exergy in, out, stored and destroyed; no line of destruction is ever negative."""

    work_in: Annotated[float, number("J", "in: electric energy of compressor and auxiliaries")]
    unsourced: Annotated[float, number("J", "in: energy without a source")]
    heat_exergy: Annotated[float, number("J", "in: exergy of the heat from the water")]
    parameter_change: Annotated[
        float,
        number(
            "J", "in: 0 since no change of parameters alters what is stored; before, the stored exergy that it changed"
        ),
    ]
    environment: Annotated[float, number("J", "in: exergy of the work and heat of surroundings that change")] = 0.0
    dead_state: Annotated[
        float, number("J", "in: stored exergy changed by the move of the surroundings it counts from")
    ] = 0.0
    rebuilt: Annotated[
        float, number("J", "stored exergy at the start of a fork with another machine, less its parent's")
    ] = 0.0
    grid: Annotated[float, number("J", "out: electric energy to the grid")]
    stored: Annotated[float, number("J", "change of the stored exergy")]
    stored_total: Annotated[
        Finite | None, quantity("J", "stored: exergy of all stores against the present surroundings")
    ] = None
    stored_receiver: Annotated[Finite | None, quantity("J", "stored: air in the receiver")] = None
    stored_pockets: Annotated[Finite | None, quantity("J", "stored: air in the pockets")] = None
    stored_chain: Annotated[
        Finite | None, quantity("J", "stored: kinetic energy of chain, floaters and water in them")
    ] = None
    stored_shaft: Annotated[Finite | None, quantity("J", "stored: kinetic energy of the fast shaft")] = None
    stored_water: Annotated[Finite | None, quantity("J", "stored: kinetic energy of the co-flow")] = None
    stored_shell: Annotated[Finite | None, quantity("J", "stored: potential energy of the shells")] = None
    stored_magnetic: Annotated[Finite | None, quantity("J", "stored: magnetic energy of the generator")] = None
    stored_dc_link: Annotated[Finite | None, quantity("J", "stored: DC link")] = None
    stored_bath: Annotated[
        Finite | None, quantity("J", "stored: finite water bath of another temperature than the air")
    ] = None
    stored_surface: Annotated[
        Finite | None, quantity("J", "stored: rise of the free surface, counted against the pockets")
    ] = None
    stored_recovered: Annotated[
        Finite | None, quantity("J", "stored: air caught by the recovery hood and not yet compressed")
    ] = None
    losses: Annotated[float, number("J", "destroyed: all mechanical and electrical losses of the ledger")]
    destroyed_compressor: Annotated[float, number("J", "destroyed: compressor and aftercooler")]
    destroyed_receiver_mixing: Annotated[float, number("J", "destroyed: mixing in the receiver")]
    destroyed_receiver_wall: Annotated[float, number("J", "destroyed: heat through the receiver wall")]
    destroyed_relief: Annotated[float, number("J", "destroyed: relief valve")]
    destroyed_valve: Annotated[float, number("J", "destroyed: throttling in the injection valve")]
    destroyed_pocket_mixing: Annotated[float, number("J", "destroyed: mixing in the pockets")]
    destroyed_pocket_heat: Annotated[float, number("J", "destroyed: heat between water and pockets")]
    destroyed_vent: Annotated[float, number("J", "destroyed: vented air")]
    destroyed_recovery: Annotated[float, number("J", "destroyed: recovered air that nobody used")]
    destroyed_bath: Annotated[float, number("J", "destroyed: heat between a finite bath and the surroundings")]
    residual: Annotated[float, number("J", "exergy that does not balance")]
    r_c: Annotated[float, number("1", "residual over the energy scale; the gate is 1e-3")]


class Meters(Message, frozen=True, kw_only=True):
    """Means over the last complete laps; null before the first lap is complete."""

    laps: Annotated[int, count("1", "number of laps in the means")]
    chain_speed: Annotated[Finite | None, quantity("m/s", "mean chain speed")]
    generator_rpm: Annotated[Finite | None, quantity("rpm", "mean speed of the fast shaft")]
    compressor_power: Annotated[Finite | None, quantity("W", "mean compressor power, over whole load cycles")]
    auxiliary_power: Annotated[Finite | None, quantity("W", "mean power of auxiliaries")]
    buoyancy_power: Annotated[Finite | None, quantity("W", "mean work rate of buoyancy")]
    shaft_power: Annotated[Finite | None, quantity("W", "mean mechanical power into the generator")]
    grid_power: Annotated[Finite | None, quantity("W", "mean power to the grid")]
    steady: Annotated[bool, quantity("", "the stores hold at the end of the laps what they held at the beginning")] = (
        False
    )
    storage_change: Annotated[
        Finite | None, quantity("J", "stored exergy at the end of the laps less at the beginning")
    ] = None
    storage_share: Annotated[Finite | None, quantity("1", "magnitude of storage_change over the energy taken in")] = (
        None
    )
    storage_limit: Annotated[Finite | None, quantity("1", "largest storage_share of a steady window")] = None
    unsteady_reason: Annotated[
        Literal["none", "no_complete_lap", "nothing_taken_in", "stores_changed"],
        quantity("", "why net_power and cop are withheld; none in a steady window"),
    ] = "none"
    net_power: Annotated[
        Finite | None, quantity("W", "grid power minus compressor and auxiliary power; null if not steady")
    ]
    cop: Annotated[
        Finite | None,
        quantity("1", "export and gain of the stores over all that came from anywhere; null if not steady"),
    ]
    cop_raw: Annotated[Finite | None, quantity("1", "export over import of the laps, whatever the stores did")] = None
    cop_without_claims: Annotated[
        Finite | None, quantity("1", "cop with energy without a source counted as a source; null if not steady")
    ] = None
    air_mass_flow: Annotated[Finite | None, quantity("kg/s", "mean air flow through the valve")]
    drag_power: Annotated[Finite | None, quantity("W", "mean drag power")]
    heat_from_water: Annotated[Finite | None, quantity("W", "mean heat from the water")]
    water_exchange_power: Annotated[Finite | None, quantity("W", "mean water exchange loss")]
    chain_friction_power: Annotated[Finite | None, quantity("W", "mean chain friction")]
    unsourced_power: Annotated[Finite | None, quantity("W", "mean power without a source")]
    tension_max: Annotated[Finite | None, quantity("N", "highest tension in those laps")]
    tension_min: Annotated[Finite | None, quantity("N", "lowest tension in those laps")]
    receiver_pressure_min: Annotated[Finite | None, quantity("Pa", "lowest receiver pressure in those laps")]
    receiver_pressure_max: Annotated[Finite | None, quantity("Pa", "highest receiver pressure in those laps")]
    pocket_temperature_min: Annotated[Finite | None, quantity("K", "coldest pocket in those laps")]
    settled: Annotated[
        bool,
        quantity(
            "", "true if these laps are alike: none is the first or had a command in it, powers and speed are the same"
        ),
    ] = False
