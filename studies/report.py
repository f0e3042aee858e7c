"""A run as text: meters, the path of the energy from compressor to grid, residuals, warnings."""

from collections.abc import Iterator, Mapping
from typing import Final

from kpp_physics.cross_checks import cross_checks
from studies.result import GATES, METERS, StudyResult, waterfall
from studies.run import Measurement

UNITS: Final[Mapping[str, tuple[str, float]]] = {
    "chain_speed": ("m/s", 1.0),
    "generator_rpm": ("rpm", 1.0),
    "cop": ("-", 1.0),
    "cop_raw": ("-", 1.0),
    "cop_without_claims": ("-", 1.0),
    "air_mass_flow": ("kg/s", 1.0),
    "tension_max": ("kN", 1e-3),
    "tension_min": ("kN", 1e-3),
    "receiver_pressure_min": ("bar", 1e-5),
    "receiver_pressure_max": ("bar", 1e-5),
}
"""Meter -> the unit in which it is shown and the factor from SI; all others are powers, shown in kW."""

WITHHELD: Final = ("cop", "cop_without_claims", "net_power")
"""Meters that are given only if the stores hold as much at the end of the measured laps as at their beginning."""

KILOWATT: Final = ("kW", 1e-3)


def render(result: StudyResult) -> str:
    """The whole report, as text that ends with a newline."""
    found = result.found
    parts: list[Iterator[str]] = [_head(result)]
    if found.error is not None:
        parts.append(iter([f"NOT MEASURED: {found.error}"]))
    if found.laps:
        parts += [_meters(found), _waterfall(found)]
    parts += [_residuals(found), _notes(result)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(result: StudyResult) -> Iterator[str]:
    found = result.found
    speed = result.simulated_time / result.wall_time if result.wall_time else 0.0
    yield (
        f"{result.scenario}: {result.simulated_time:.1f} s simulated in {result.wall_time:.1f} s "
        f"({speed:.0f} x real time), digest {found.plant.digest()}"
    )
    yield (f"{found.laps} laps measured after {found.warmup_laps} laps of warm-up, state {found.plant.plc_state}")
    if not found.laps:
        return
    if found.load_cycles:
        where = "the same laps" if found.cycle_laps == found.laps else f"{found.cycle_laps} laps"
        yield f"compressor power over {found.load_cycles} whole load cycles within {where}"
    else:
        yield "the compressor completed no load cycle: its power is averaged over the laps"


def _meters(found: Measurement) -> Iterator[str]:
    yield f"{'Lap averages':<28}{'value':>12}  unit"
    for name in METERS:
        unit, factor = UNITS.get(name, KILOWATT)
        value = found.meters[name]
        withheld = "not steady" if name in WITHHELD else "-"
        shown = withheld if value is None else f"{value * factor:.4f}"
        yield f"{name.replace('_', ' '):<28}{shown:>12}  {unit}"
    if found.unsteady is not None:
        yield found.unsteady
    elif found.window is not None and found.window.share is not None:
        yield (
            f"steady: the stores changed by {found.window.stored / 1e3:.4g} kJ of exergy, {found.window.share:.2%} of "
            f"the energy taken in (limit {found.window.limit:.0%})"
        )


def _waterfall(found: Measurement) -> Iterator[str]:
    scale = found.means["compressor"]
    # Adding 0.0 after rounding turns a "-0.0000" into "0.0000".
    yield f"{'Compressor to grid':<28}{'kW':>12}  % of compressor"
    for name, power in waterfall(found.means):
        share = f"{round(power / scale, 4) + 0.0:>10.2%}" if scale > 0 else "-"
        rule = name.startswith("sum") or name == "grid"
        if rule:
            yield "-" * 52
        yield f"{name.replace('_', ' '):<28}{round(power / 1e3, 4) + 0.0:>12.4f}  {share:>10}"
    yield f"(means over the measured laps, {found.laps} in all; minus: leaves the plant on its way to the grid)"


def _residuals(found: Measurement) -> Iterator[str]:
    yield f"{'Residuals':<28}{'value':>12}  gate"
    # A residual that was not computed is named as such: without a line it would look as if it held.
    for name, gate in GATES.items():
        value = found.residuals.get(name)
        shown = "-" if value is None else f"{value:.2e}"
        verdict = "not computed" if value is None else "holds" if abs(value) <= gate else "EXCEEDED"
        yield f"{name.upper():<28}{shown:>12}  {gate:.0e}  {verdict}"


def _notes(result: StudyResult) -> Iterator[str]:
    found = result.found
    unsourced = found.means.get("unsourced", 0.0)
    if unsourced > 0:
        yield f"{unsourced / 1e3:.2f} kW of this output has no source in the model."
    for text in found.warnings:
        if not text.startswith("cross-check"):  # these follow with their names
            yield f"warning: {text}"
    for check in cross_checks(found.plant.parameters):
        yield f"cross-check {check.name}: {check.message}"
    yield "Nothing here is validated against a real plant; these are results of the model with these parameters."
