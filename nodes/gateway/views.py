"""Views of the newest state frame: one for each subject, declared once with units, encoded by msgspec."""

from typing import Annotated, Any, Literal, get_type_hints

import msgspec

from bus.protocol.messages import State
from bus.protocol.schema import Message, Text, amount, number, quantity
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
    LedgerSide,
    Meters,
    Plc,
    Powers,
    Receiver,
    Sampled,
    Valve,
    Water,
)


class View(Message, frozen=True):
    """The fields that every view begins with."""

    run: Annotated[str, quantity("", "run id")]
    module: Annotated[str, quantity("", "plant module")]
    seq: Annotated[int, quantity("1", "tick of the state")]
    t: Annotated[float, amount("s", "simulated time since the start of the run")]
    wall: Annotated[float, amount("s", "Unix time at which the state was sent")]
    age: Annotated[float, amount("s", "age of the state at the gateway")]


class Flow(Message, frozen=True):
    """One line of the energy ledger."""

    name: Annotated[str, quantity("", "line of the ledger")]
    kind: Annotated[LedgerSide, quantity("", "side of the balance that it is booked on")]
    energy: Annotated[float, number("J", "energy since the start of the run")]
    power: Annotated[float | None, quantity("W", "power at this instant, null for what is stored")]
    share: Annotated[float | None, quantity("1", "share of the energy put in, null before any was put in")]
    text: Annotated[str, quantity("", "meaning")]


class SummaryView(View, frozen=True):
    """The plant on one screen."""

    plc_state: Annotated[str, quantity("", "state of the controller")]
    trip: Annotated[Text | None, quantity("", "cause of the trip in force, null if there is none")]
    warnings: Annotated[list[Text], quantity("", "warnings in force")]
    chain_speed: Annotated[float, number("m/s", "chain speed")]
    shaft_speed_rpm: Annotated[float, number("rpm", "speed of the fast shaft")]
    receiver_pressure: Annotated[float, number("Pa", "absolute pressure in the receiver")]
    export_power: Annotated[float, number("W", "power delivered to the grid")]
    import_power: Annotated[float, number("W", "power taken by compressor and auxiliaries")]
    net_power: Annotated[float, number("W", "export minus import")]
    net_energy: Annotated[float, number("J", "export meter minus import meter")]
    mean_net_power: Annotated[float | None, quantity("W", "mean over the last laps, null if they are not steady")]
    mean_cop: Annotated[
        float | None,
        quantity(
            "1",
            "export and gain of the stores, over all that was taken in: import, from the surroundings, and from the "
            "stores; null if the last laps are not steady",
        ),
    ]
    mean_cop_raw: Annotated[float | None, quantity("1", "export over import in the last laps, whatever the stores did")]
    mean_cop_without_claims: Annotated[
        float | None, quantity("1", "mean_cop with energy that has no source counted as an input")
    ]
    steady: Annotated[bool, quantity("", "true if the stores held as much at the end of the laps as at their start")]
    storage_share: Annotated[
        float | None, quantity("1", "change of the stored exergy over the laps, divided by the energy taken in")
    ]
    storage_limit: Annotated[float | None, quantity("1", "largest storage_share with which laps count as steady")]
    unsteady_reason: Annotated[
        Literal["none", "no_complete_lap", "nothing_taken_in", "stores_changed"],
        quantity("", "why the means of net power and COP are withheld"),
    ]
    unsourced_power: Annotated[float, number("W", "power that a claim adds without a source")]
    unsourced_energy: Annotated[float, number("J", "energy that claims added without a source, since the run's start")]
    r_a: Annotated[float, number("1", "residual of the first law; the gate is 1e-9")]
    r_b: Annotated[float, number("1", "residual of the sampled first law; the gate is 1e-4")]
    r_c: Annotated[float, number("1", "residual of the second law; the gate is 1e-3")]


class EnergyView(View, frozen=True):
    """First law: every joule, booked twice."""

    ledger: Ledger
    sampled: Sampled
    powers: Powers
    meters: Meters


class ExergyView(View, frozen=True):
    """Second law: where work is destroyed."""

    exergy: Exergy


class LossesView(View, frozen=True):
    """The loss waterfall: from the energy put in down to the energy that reached the grid."""

    energy_in: Annotated[float, number("J", "energy put in since the start of the run")]
    flows: Annotated[
        list[Flow], quantity("", "what was put in, what was lost, what is stored; the largest first on each side")
    ]
    delivered: Annotated[float, number("J", "energy that reached the grid")]
    unsourced: Annotated[float, number("J", "energy without a source, which is part of energy_in")]
    residual: Annotated[float, number("J", "what the ledger does not close by")]


class FloatersView(View, frozen=True):
    """Position, filling and forces of every floater."""

    floaters: Floaters


class TensionView(View, frozen=True):
    """The chain and the forces along it."""

    chain: Chain
    slack: Annotated[bool, quantity("", "true while a part of the chain is not under tension")]


class DrivetrainView(View, frozen=True):
    """From the sprocket to the fast shaft."""

    chain: Chain
    drivetrain: Drivetrain


class ElectricalView(View, frozen=True):
    """From the generator to the DC link."""

    generator: Generator
    converter: Converter
    dc_link: DcLink
    grid: Grid


class PneumaticView(View, frozen=True):
    """From the compressor to the floaters."""

    compressor: Compressor
    receiver: Receiver
    valve: Valve
    water: Water


class ControlView(View, frozen=True):
    """The plant's controller."""

    plc: Plc
    valve: Valve


class GridView(View, frozen=True):
    """The grid connection."""

    grid: Grid


class HypothesesView(View, frozen=True):
    """The five claims."""

    hypotheses: Hypotheses


GROUPS: dict[str, type[View]] = {
    "energy": EnergyView,
    "exergy": ExergyView,
    "floaters": FloatersView,
    "drivetrain": DrivetrainView,
    "electrical": ElectricalView,
    "pneumatic": PneumaticView,
    "control": ControlView,
    "grid": GridView,
    "hypotheses": HypothesesView,
}
"""Views that show groups of the state frame unchanged, by the last part of their path."""

VIEWS: dict[str, type[View]] = {"summary": SummaryView, "losses": LossesView, "tension": TensionView, **GROUPS}

_HEAD = ("run", "module", "seq", "t", "wall")


def view(name: str, state: State, age: float) -> View:
    """One view of a state.

    Args:
        name: a key of VIEWS.
        state: newest state frame.
        age: its age (s).
    """
    head: dict[str, Any] = {field: getattr(state, field) for field in _HEAD} | {"age": age}
    match name:
        case "summary":
            return _summary(head, state)
        case "losses":
            return _losses(head, state)
        case "tension":
            return TensionView(**head, chain=state.chain, slack=state.chain.tension_min < 0)
    kind = GROUPS[name]
    groups = [field.name for field in msgspec.structs.fields(kind) if field.name not in head]
    return kind(**head, **{group: getattr(state, group) for group in groups})


def _summary(head: dict[str, Any], state: State) -> SummaryView:
    return SummaryView(
        **head,
        plc_state=state.plc.state,
        trip=state.plc.trip,
        warnings=state.plc.warnings,
        chain_speed=state.chain.speed,
        shaft_speed_rpm=state.drivetrain.shaft_speed_rpm,
        receiver_pressure=state.receiver.pressure,
        export_power=state.grid.export_power,
        import_power=state.grid.import_power,
        net_power=state.grid.net_power,
        net_energy=state.grid.export_energy - state.grid.import_energy,
        mean_net_power=state.meters.net_power,
        mean_cop=state.meters.cop,
        mean_cop_raw=state.meters.cop_raw,
        mean_cop_without_claims=state.meters.cop_without_claims,
        steady=state.meters.steady,
        storage_share=state.meters.storage_share,
        storage_limit=state.meters.storage_limit,
        unsteady_reason=state.meters.unsteady_reason,
        unsourced_power=state.powers.unsourced,
        unsourced_energy=state.ledger.unsourced,
        r_a=state.ledger.r_a,
        r_b=state.sampled.r_b,
        r_c=state.exergy.r_c,
    )


def _lines() -> dict[str, tuple[LedgerSide, str]]:
    """Lines of the ledger, each with the side of the balance that it is booked on, and its meaning."""
    declared = {name: hint.__metadata__[0] for name, hint in get_type_hints(Ledger, include_extras=True).items()}
    return {
        name: (meta.extra_json_schema["side"], meta.title)
        for name, meta in declared.items()
        if "side" in meta.extra_json_schema
    }


LINES = _lines()


def _losses(head: dict[str, Any], state: State) -> LossesView:
    ledger = msgspec.structs.asdict(state.ledger)
    powers = msgspec.structs.asdict(state.powers)
    energy_in = sum(ledger[name] for name, (kind, _) in LINES.items() if kind == "in")
    flows = [
        Flow(
            name=name,
            kind=kind,
            energy=ledger[name],
            power=powers.get(name),
            share=ledger[name] / energy_in if energy_in > 0 else None,
            text=meaning,
        )
        for name, (kind, meaning) in LINES.items()
        if name != "grid"  # the end of the waterfall and not one of its steps: it is `delivered`
    ]
    order = {"in": 0, "out": 1, "stored": 2}
    return LossesView(
        **head,
        energy_in=energy_in,
        flows=sorted(flows, key=lambda flow: (order[flow.kind], -flow.energy)),
        delivered=state.ledger.grid,
        unsourced=state.ledger.unsourced,
        residual=state.ledger.residual,
    )
