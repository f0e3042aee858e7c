"""Every trip and every warning comes with its limit, in SI, and the dashboard's interlocks name the same ones."""

import pytest

from kpp_physics import ledger, plc
from kpp_physics import state as st
from kpp_physics.limits import Limit, trip_limit
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
    limits = {cause: limit for cause, limit in told.items() if limit is not None}
    assert {cause: limit.value for cause, limit in limits.items()} == pytest.approx(shown)
    assert {cause: limit.unit for cause, limit in limits.items()} == {
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


def test_each_condition_has_its_limit_as_a_number_and_the_same_name_in_every_run() -> None:
    plant = Plant(Parameters())
    parts = plant._parts
    parts.scalars[st.COLDEST], parts.scalars[st.WINDING_TEMPERATURE] = 261.0, 410.0
    parts.scalars[st.TENSION_MAX] = 95e3
    parts.ledger[0, ledger.GRID] += 1e6
    parts.scalars[st.TRIP], parts.scalars[st.PLC_STATE] = plc.TRIP_TENSION, plc.EMERGENCY_STOP
    controller = plant.observe()["plc"]
    found = {
        each["id"]: (each["priority"], each["value"], each["limit"], each["unit"]) for each in controller["conditions"]
    }
    residuals = {name: found.pop(f"ledger_residual_{name}")[2:] for name in ("r_a", "r_c")}
    assert residuals == {"r_a": (ledger.GATE_A, ""), "r_c": (ledger.GATE_C, "")}
    assert found == {
        "trip": ("high", None, 100e3, "N"),
        "emergency_stop": ("high", None, None, ""),
        "icing": ("low", 261.0, 273.15, "K"),
        "winding": ("low", 410.0, 403.15, "K"),
        "chain_tension": ("low", 95e3, pytest.approx(90e3), "N"),
    }
    warnings = [each for each in controller["conditions"] if each["priority"] == "low"]
    assert [each["text"] for each in warnings] == controller["warnings"], "what people read stays beside it"
    limits = [Limit(each["limit"], each["unit"] or "-").text for each in warnings]
    assert limits == controller["warning_limits"]
