"""What several coefficients are made of: lengths, masses and speeds that follow from the parameters."""

import math
from typing import NamedTuple

from kpp_physics.parameters import Parameters


class Basis(NamedTuple):
    """Parameters and what several coefficients are made of; SI units."""

    p: Parameters
    step: float
    straight: float
    """Length of a straight run of the chain [m]."""
    loop: float
    """Length of the chain [m]."""
    displaced: float
    """Mass of the water that a floater's volume displaces [kg]."""
    rated: float
    """Rated speed of the fast shaft [rad/s]."""
    per_chain: float
    """Angle of the fast shaft per path of the chain, G/R_s [1/m]."""
    dry: float
    """Mass of chain and floaters without the water in them, with what goes along outside [kg]."""
    inertia: float
    """Of everything that turns and moves while no floater holds air, at the fast shaft [kg m2]."""
    weight: float
    """Specific weight of the water, rho g [N/m3]."""

    @classmethod
    def of(cls, p: Parameters, step: float) -> "Basis":
        """Derive it from the parameters; `step` is the physics step [s]."""
        straight = p.water_depth - 2 * p.sprocket_radius
        displaced = p.water_density * p.floater_volume
        per_chain = p.gear_ratio / p.sprocket_radius
        dry = p.floater_count * (p.floater_mass + displaced * p.added_mass_coefficient) + p.chain_mass
        # The order of every operation counts: another one gives other last bits, and another trajectory.
        return cls(
            p=p,
            step=step,
            straight=straight,
            loop=2 * straight + 2 * math.pi * p.sprocket_radius,
            displaced=displaced,
            rated=p.generator_rated_speed * math.pi / 30,
            per_chain=per_chain,
            dry=dry,
            inertia=p.shaft_inertia + (dry + p.floater_count * displaced) / per_chain**2,
            weight=p.water_density * p.gravity,
        )

    @property
    def blockage(self) -> float:
        """Factor of the drag in a shaft that the floaters block in part, (1 - 2 A_f/A_s)^-2 [-]; 1 without it."""
        p = self.p
        return (1 - 2 * p.mouth_area / p.shaft_area) ** -2 if p.blockage_correction == "on" else 1.0

    @property
    def pins(self) -> float:
        """Friction of the pins over the pretension [-]: the chain bends twice at each of the two sprockets."""
        return 4 * self.p.pin_friction * self.p.pin_radius / self.p.sprocket_radius

    @property
    def isothermal(self) -> bool:
        """Whether the compressor is the reversible isothermal bound."""
        return self.p.compressor_model == "isothermal_ideal"

    @property
    def spool_relaxation(self) -> float:
        """Share of its way that the valve's spool goes in a step [-]; 1 without a lag."""
        lag = self.p.valve_time_constant
        return 1.0 if lag == 0 else -math.expm1(-self.step / lag)

    @property
    def spool_mean(self) -> float:
        """Mean of that share over a step [-]; 1 without a lag."""
        lag = self.p.valve_time_constant
        return 1.0 if lag == 0 else 1.0 + math.expm1(-self.step / lag) * lag / self.step
