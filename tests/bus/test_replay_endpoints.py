"""A replay binds addresses beside those of its plant, wherever these are."""

from bus.protocol.endpoints import Endpoints
from bus.security.hosts import UI_VARIABLE, Names, check
from runtime.replay_endpoints import SHIFT, VARIABLES, replay_environment


def test_every_port_lies_beside_the_plants_own() -> None:
    given = {
        "KPP_UI_HTTP": "0.0.0.0:8000",
        "KPP_UI_HOSTS": "plant.example:8000",
        "KPP_CLOCK_PUBLISH": "tcp://10.0.0.1:7000",
    }
    chosen = replay_environment(given)
    assert set(VARIABLES) <= set(chosen)
    plant, replay = Endpoints.from_environment(given), Endpoints.from_environment(chosen)
    assert (replay.ui_http.host, replay.ui_http.port) == ("0.0.0.0", 8000 + SHIFT)  # noqa: S104  # nothing is bound
    assert replay.clock_publish == f"tcp://10.0.0.1:{7000 + SHIFT}"
    assert replay.gateway_http.port == plant.gateway_http.port + SHIFT
    assert replay.recorder == plant.recorder, "it asks the plant's recorder"
    assert chosen["KPP_UI_HOSTS"] == f"plant.example:8000,plant.example:{8000 + SHIFT}"


def test_an_address_that_is_given_is_taken() -> None:
    chosen = replay_environment(
        {
            "KPP_REPLAY_GATEWAY_HTTP": "127.0.0.1:4711",
            "KPP_INSTANCES": "2",
            "KPP_RESTARTS": "7",
            "SUPERVISOR_PROCESS_NAME": "ui",
        }
    )
    assert not {"KPP_RESTARTS", "SUPERVISOR_PROCESS_NAME"} & set(chosen), "those are the dashboard's, which starts it"
    assert chosen["KPP_GATEWAY_HTTP"] == "127.0.0.1:4711"
    assert chosen["KPP_INSTANCES"] == "1", "a recording has no standby"


def test_f11_names_without_a_port_stay_names() -> None:
    chosen = replay_environment({"KPP_UI_HTTP": "127.0.0.1:9103", "KPP_UI_HOSTS": "plant.example,other:443"})
    assert chosen["KPP_UI_HOSTS"] == "plant.example,other:443,plant.example:9303,other:9303"
    names = Names.from_environment("127.0.0.1", chosen, (UI_VARIABLE,))
    for origin in ("https://plant.example", "https://other", "http://plant.example:9303"):
        assert check(["127.0.0.1:9303"], [origin], names) is None, origin
