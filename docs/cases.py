"""The verification cases: number and what each one is about. What is computed and compared stands in the tests."""

from typing import Final

TITLES: Final = {
    1: "A sealed full pocket accelerates to its terminal speed",
    2: "Work of an isothermal pocket from 25 m to the surface, at any speed",
    3: "Work and final temperature of an adiabatic pocket",
    4: "Work and final temperature of a pocket that exchanges heat",
    5: "Finite bucket: work by quadrature and in closed form",
    6: "Full charge that spills on its way up",
    7: "Work to compress 1 m3 of free air",
    8: "Flow of the injection valve (ISO 6358), continuous and one-way",
    9: "Choked isothermal blow-down of a receiver",
    10: "Choked adiabatic blow-down of a receiver",
    11: "Filling at constant pressure, and filling a rigid evacuated tank",
    12: "Spin-down of the chain by drag alone",
    13: "Energy lost when two shafts are coupled by friction",
    14: "One-way clutch: never pulls, locks without loss at zero slip",
    15: "No air: no motion from rest, and motion only decays",
    16: "Sealed air does no work over a closed loop",
    17: "Equal volumes at mirrored places give no force",
    18: "Reversed motion without losses returns to its start",
    19: "Steady co-flow: speed ratio, and local plus bulk loss is drag power",
    20: "First law: booked and re-integrated energies close",
    21: "Second law: entropy is only produced, and the bounds that follow",
    22: "The ideal plant comes close to a COP of 1 and never passes it",
    23: "Machine voltages, torque and power at rated current and speed",
    24: "Current step: first order, no overshoot",
    25: "DC link balance and frequency droop",
    26: "Air mass and water volume are conserved",
    27: "Ideal bound of a 2 m demonstrator",
    28: "Drift flux and airlift in stagnant water",
    29: "Pulse and coast at equal mean speed costs 1/D2 in drag",
    30: "Random parameters: never more out than in without a source",
}
"""Case number and title."""
