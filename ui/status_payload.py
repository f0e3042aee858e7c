"""What belongs to a display frame but is no number: modes, names and causes, as plain data, sent when they change."""

from typing import Any

from bus.protocol.messages import State, Status, Tick
from ui.shown_plant import ShownPlant

REPLAY = "replay"
"""Instance that states have which are played back."""

HYPOTHESES = ("h1", "h2", "h3", "jet", "recovery")


def vitals(plant: ShownPlant, module: str, now: float) -> dict[str, Any]:
    """Rates and counts of the bus, and the clock's report. To be taken once a second: they change all the time, and the
    page is sent a note for each change."""
    return {
        "bus_rate": plant.bus.rate(now),
        "state_rate": plant.plots[module].rate.rate(now),
        "lost": plant.streams.lost,
        "repaired": plant.streams.repaired,
        "bad_frames": plant.bad_frames,
        "timing": plant.timing.histograms(),
        "system": None if plant.status is None else _system(plant, plant.status),
    }


def _system(plant: ShownPlant, status: Status) -> dict[str, Any]:
    """The clock's report on itself and on the nodes that beat to it."""
    late = status.lateness
    return {
        "epoch": status.epoch,
        "policy": status.policy,
        "frames_sent": status.frames_sent,
        "deadlines_missed": status.deadlines_missed,
        "bad_frames": status.bad_frames,
        "held_time": round(status.held_time, 2),
        "owed_time": round(status.owed_time, 2),
        "problems": status.problems,
        "realtime_priority": status.realtime_priority,
        "lateness_ms": None if late is None else [round(each * 1e3, 3) for each in (late.p50, late.p99, late.max)],
        "fenced": 0 if plant.streams.clock is None else plant.streams.clock.fenced,
        "peers": [
            {
                "node": peer.node,
                "instance": peer.instance,
                "pid": peer.pid,
                "status": peer.status,
                "behind": status.seq - peer.seq if peer.seq else None,
                "gaps": peer.gaps,
                "queue": peer.queue,
                "age": round(peer.age, 1),
                "restarts": peer.restarts,
            }
            for peer in sorted(status.peers, key=lambda peer: (peer.node, peer.instance))
        ],
    }


def status_payload(plant: ShownPlant, module: str, now: float, bus: dict[str, Any]) -> dict[str, Any]:
    """Everything that is no number, and the numbers that change at most a few times a second.

    Args:
        plant: as it is shown.
        module: which module the page shows.
        now: time (s).
        bus: the newest `vitals`.
    """
    state = plant.state(module)
    return {
        "type": "note",
        "clock": None if plant.status is None else _clock(plant.status, plant.tick),
        "module": None if state is None else _module(state, plant.catching_up(module, now)),
        "nodes": plant.nodes(now),
        "bus": bus,
    }


def _clock(status: Status, tick: Tick | None) -> dict[str, Any]:
    newest = tick or status  # ticks come more often: a button that pauses is answered by the next one
    return {
        "run": newest.run,
        "mode": newest.mode,
        "speed": newest.speed,
        "flat_out": newest.flat_out,
        # Rounded, because each change is a new note for every page, and the last digits change with each report.
        "achieved_speed": round(status.achieved_speed, 3),
        "rate": status.rate,
        "held": newest.held,
        "scenario": status.scenario,
        "policy": status.policy,
        "problems": status.problems,
        "replay": status.replay,
        "replay_range": [status.replay_start, status.replay_end],
    }


def _module(state: State, catching_up: bool) -> dict[str, Any]:
    return {
        "name": state.module,
        "run": state.run,
        "scenario": state.scenario,
        "instance": state.instance,
        "catching_up": catching_up,
        "replay": state.instance == REPLAY,
        "hypotheses": {name: getattr(state.hypotheses, name) for name in HYPOTHESES},
        "synchronised": state.grid.synchronised,
        "plc": state.plc.state,
        "trip": state.plc.trip,
        "settled": state.meters.settled,
        "warnings": state.plc.warnings,
        "advisories": state.plc.advisories,
        "brake_set": state.plc.brake_set,
        "injection_enabled": state.plc.injection_enabled,
        "compressor_mode": state.compressor.mode,
        "served": state.valve.floater,
        "pulses": state.valve.pulses,
        "missed": state.valve.missed,
        "clutch_locked": state.drivetrain.clutch_locked,
        "converter_on": state.converter.on,
    }
