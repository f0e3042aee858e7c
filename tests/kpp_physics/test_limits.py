"""Every trip and every warning comes with its limit, in SI, and the dashboard's interlocks name the same ones."""

import pytest

from kpp_physics import plc
from kpp_physics.limits import trip_limit
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant
from ui.sequence import interlocks


@pytest.mark.parametrize("changes", [{}, {"trip_pressure": 6.5e5, "chain_tension_limit": 8e4}])
def test_each_trip_has_the_limit_that_the_interlocks_show(changes: dict[str, float]) -> None:
    parameters = Parameters.of(changes)
    shown = {
        each["name"]: each["limit"] * (parameters.as_dict()[each["parameter"]] if each["parameter"] else 1.0)
        for each in interlocks()
    }
    told = {cause: trip_limit(place, parameters) for place, cause in enumerate(plc.TRIPS)}
    assert told.pop("none") is None
    assert {cause: float((text or "").split(" ")[0]) for cause, text in told.items()} == pytest.approx(shown)
    assert {cause: (text or "").partition(" ")[2] for cause, text in told.items()} == {
        "shaft overspeed": "rpm",
        "chain overspeed": "m/s",
        "receiver pressure": "Pa",
        "chain tension": "N",
        "slack chain": "N",
        "winding temperature": "K",
        "receiver temperature": "K",
    }


def test_each_advisory_has_a_limit() -> None:
    controller = Plant(Parameters.of({"mouth_area": 0.1})).observe()["plc"]
    told = dict(zip(controller["advisories"], controller["advisory_limits"], strict=True))
    assert controller["trip_limit"] is None
    (chain,) = (limit for text, limit in told.items() if text.startswith("cross-check chain tension"))
    assert chain == "100000 N"
    assert all(float(limit.split(" ")[0]) > 0 for limit in told.values())
