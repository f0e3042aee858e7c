"""Where the numbers of the independent integration stand in its vector.

First what moves and what the air supply holds, then integrals of powers and flows, then masses [kg] and enthalpies
m cp T [J] of the pockets, floater by floater.
"""

(S, SPEED, COFLOW, SHAFT, CONTROL, TORQUE, M_R, U_R, SPOOL, DELIVERED, BUFFER, LEVEL, BATH, LINK) = range(14)
"""Place, chain, water, shaft, integral of the controller, torque, receiver's mass and energy, valve spool, air
delivered into the pocket being filled, suction buffer of the recovery hood, rise of the surface, its temperature,
energy of the DC link."""

INPUTS = ("compressor", "auxiliary", "heat_from_water", "unsourced")
OUTPUTS = (
    "grid", "aftercooler", "receiver_heat", "vent", "drag_local", "drag_bulk", "water_exchange", "chain_friction",
    "gearbox", "flywheel_windage", "clutch", "generator_copper", "generator_iron", "generator_mechanical",
    "generator_stray", "converter", "chopper", "dump_load", "auxiliary_heat", "jet_wake", "h1_slip",
)  # fmt: skip
COUNTERS = ("buoyancy", "shaft", "drag", "air_valve", "air_vented")
BOOKED = (*INPUTS, *OUTPUTS, *COUNTERS)
"""Integrals that are kept: every line of the first law, then what the meters show besides."""

(COMPRESSOR, AUXILIARY, HEAT, UNSOURCED, GRID, AFTERCOOLER, RECEIVER_HEAT, VENT,
 LOCAL, BULK, EXCHANGE, FRICTION, GEARBOX, WINDAGE, CLUTCH,
 COPPER, IRON, MECHANICAL, STRAY, CONVERTER, CHOPPER,
 DUMP, AUXILIARY_HEAT, WAKE, SLIP,
 BUOYANCY, SHAFT_WORK, DRAG, AIR, VENTED) = range(14, 44)  # fmt: skip

BOOKS = 14
"""Where the integrals begin."""

POCKETS = 44
"""Where the pockets begin."""

STARTING, RUNNING, COASTING = range(3)
"""States of the controller after the receiver is full."""

(PHASE, LOADED, LOCKED, SERVED) = range(4)
"""What switches: state of the controller, compressor loaded, clutch locked, floater being filled or -1."""
