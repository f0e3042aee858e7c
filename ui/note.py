"""The small print of a display frame as plain data: modes, names and causes, sent to the page when they change."""

from typing import Any

from bus.messages import State, Status, Tick
from ui.plant import Plant


def vitals(plant: Plant, module: str, now: float) -> dict[str, Any]:
    """How the bus does; to be taken once a second, so that a note changes only when it has something to say."""
    return {
        "bus_rate": plant.bus.rate(now),
        "state_rate": plant.modules[module].source.rate(now),
        "lost": plant.streams.lost,
        "repaired": plant.streams.repaired,
        "bad_frames": plant.bad_frames,
    }


def note(plant: Plant, module: str, now: float, bus: dict[str, Any]) -> dict[str, Any]:
    """All that is no number, and the numbers that change a few times a second at most."""
    state = plant.modules[module].state
    return {
        "type": "note",
        "clock": None if plant.status is None else _clock(plant.status, plant.tick),
        "module": None if state is None else _module(state, plant.catching_up(module, now)),
        "nodes": plant.nodes(now),
        "bus": bus,
    }


def _clock(status: Status, tick: Tick | None) -> dict[str, Any]:
    newest = tick or status  # a tick says the mode before the next status does
    return {
        "run": newest.run,
        "mode": newest.mode,
        "speed": newest.speed,
        "flat_out": newest.flat_out,
        "achieved_speed": round(status.achieved_speed, 3),
        "rate": status.rate,
        "held": newest.held,
        "scenario": status.scenario,
    }


def _module(state: State, catching_up: bool) -> dict[str, Any]:
    return {
        "name": state.module,
        "run": state.run,
        "scenario": state.scenario,
        "instance": state.instance,
        "catching_up": catching_up,
        "plc": state.plc.state,
        "trip": state.plc.trip,
        "warnings": state.plc.warnings,
        "brake_set": state.plc.brake_set,
        "injection_enabled": state.plc.injection_enabled,
        "compressor_mode": state.compressor.mode,
        "served": state.valve.floater,
        "pulses": state.valve.pulses,
        "missed": state.valve.missed,
        "clutch_locked": state.drivetrain.clutch_locked,
        "converter_on": state.converter.on,
    }
