"""What the page shows of the controller: which order leads to which state, and the conditions that trip the plant.

The controller's own table is part of its compiled kernel, which takes a second to import and is not needed here; a test
compares the two.
"""

from typing import Any

from kpp_physics import constants

ORDERS: dict[str, dict[str, str]] = {
    "plant_start": {"stopped": "pressurising"},
    "plant_stop": {
        "pressurising": "stopped",
        "starting": "stopping",
        "running": "stopping",
        "coasting": "stopping",
    },
    "plant_coast": {"running": "coasting"},
    "plant_resume": {"coasting": "running"},
    "inject": {"running": "running", "coasting": "coasting"},
    "emergency_stop": dict.fromkeys(
        ("stopped", "pressurising", "starting", "running", "coasting", "stopping"), "emergency_stop"
    ),
    "plant_reset": {"emergency_stop": "stopped", "tripped": "stopped"},
}
"""For each order the states in which it is accepted, and the state that it leads to from each."""


def interlocks() -> list[dict[str, Any]]:
    """The conditions that trip the plant, each with its channel and its limit in SI units.

    A limit is a number, or a factor times the parameter that `parameter` names. `below` is true for a lower limit, and
    `hold` is how long the limit has to be exceeded before it trips the plant [s].
    """
    return [
        _trip("shaft overspeed", "drivetrain.shaft_speed_rpm", constants.SHAFT_TRIP_RATIO, "generator_rated_speed"),
        _trip("chain overspeed", "chain.speed", constants.SPEED_TRIP),
        _trip("receiver pressure", "receiver.pressure", 1.0, "trip_pressure"),
        _trip("chain tension", "chain.tension_max", 1.0, "chain_tension_limit", hold=constants.TENSION_TRIP_TIME),
        _trip("slack chain", "chain.tension_min", 0.0, below=True, hold=constants.SLACK_TRIP_TIME),
        _trip("winding temperature", "generator.winding_temperature", constants.WINDING_TRIP_TEMPERATURE),
        _trip("receiver temperature", "receiver.temperature", constants.RECEIVER_TRIP_TEMPERATURE),
    ]


def _trip(
    name: str, path: str, limit: float, parameter: str = "", *, below: bool = False, hold: float = 0.0
) -> dict[str, Any]:
    return {"name": name, "path": path, "limit": limit, "parameter": parameter, "below": below, "hold": hold}
