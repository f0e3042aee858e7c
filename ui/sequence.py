"""What the page says of the controller: which order leads where, and the conditions that trip the plant.

The controller's own table stands beside its compiled kernel, which takes a second to import and is not needed here; a
test holds the two together.
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
"""Order, state it is given in, state it leads to."""


def interlocks() -> list[dict[str, Any]]:
    """The trip conditions: channel, whether its magnitude counts, and the limit in SI.

    A limit is a number, or a factor times a parameter in force; `hold` is how long it has to be passed [s].
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
