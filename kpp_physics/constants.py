"""Numbers of the model that are not parameters: each with its unit and where it comes from."""

STEP = 1.0e-3
"""Physics step in s. Fixed: the trajectory must not depend on tick rate or speed-up."""

STEP_US = 1000
"""The same in integer microseconds of simulated time."""

VALVE_REFERENCE_DENSITY = 1.185
"""Density of air at the reference state of ISO 6358 (293.15 K, 100 kPa, 65 % humidity), kg/m3."""

VALVE_REFERENCE_TEMPERATURE = 293.15
"""Reference temperature of ISO 6358, K."""

VALVE_LINEAR_RATIO = 0.999
"""Pressure ratio above which the flow function falls linearly: the root has infinite slope at 1 (ISO 6358-1:2013)."""

STANDSTILL_SPEED = 1.0e-3
"""Speed scale of dry friction and brake in m/s: the force is F tanh(v / scale), so a held chain creeps below it."""

SHAFT_STANDSTILL_SPEED = 0.05
"""Speed scale of the hysteresis torque of the iron in rad/s."""

HEAT_MINIMUM_MASS = 1.0e-3
"""A pocket with less air than this (kg) exchanges no heat and raises no icing warning."""

START_WINDOW_SPEED = 0.05
"""Below this chain speed (m/s) a starting plant injects along the lower half of the up run."""

BRAKE_SPEED = 0.05
"""Chain speed (m/s) below which a stopping plant sets its brake."""

REST_SPEED = 5.0e-3
"""Chain speed (m/s) that counts as rest for a reset: above the brake's creep, far below motion."""

SPEED_TRIP = 3.0
"""Chain speed trip, m/s."""

SHAFT_TRIP_RATIO = 1.15
"""Overspeed trip as a multiple of the generator's rated speed."""

TENSION_TRIP_TIME = 0.1
"""Time (s) the chain tension must exceed its limit before the trip."""

SLACK_TRIP_TIME = 0.5
"""Time (s) the chain must be slack before the trip."""

WINDING_TRIP_TEMPERATURE = 150.0 + 273.15
"""Winding temperature trip, K."""

WINDING_WARNING_TEMPERATURE = 130.0 + 273.15
"""Winding temperature warning, K."""

RECEIVER_TRIP_TEMPERATURE = 90.0 + 273.15
"""Receiver air temperature trip, K."""

ICING_TEMPERATURE = 273.15
"""Pocket temperature below which icing is possible, K."""

STOP_RAMP_TIME = 30.0
"""Time (s) in which a stopping plant's set-point falls from its nominal value to zero."""

VENT_TIME = 1.0
"""Time constant (s) with which every pocket empties while vent-all is open."""

TENSION_INTERVAL = 5
"""Steps between two tension reconstructions: 5 ms, well inside the 20 ms a trip may take."""

CURRENT_ZERO = 1.0e-6
"""Current (A) below which a released winding counts as free of current."""

MASS_ZERO = 1.0e-9
"""Pocket mass (kg) below which a venting pocket counts as empty."""

GRID_FREQUENCY = 50.0
"""Nominal grid frequency, Hz."""

DC_LINK_TIME = 0.02
"""Time constant (s) with which the grid side brings the energy of the DC link to its reference."""

PRECHARGE_SHARE = 0.1
"""Power that charges the DC link from the grid, over the converter's rating."""

CHOPPER_RATIO = 1.1
"""DC link voltage over its reference above which the chopper takes the excess."""

SYNCHRONISATION_TIME = 0.1
"""Time constant (s) with which the synchroniser removes the differences in frequency and angle."""

SYNC_FREQUENCY, SYNC_VOLTAGE, SYNC_ANGLE = 0.2, 0.05, 15.0
"""Largest differences (Hz, share of nominal, degrees) at which the grid breaker closes."""
