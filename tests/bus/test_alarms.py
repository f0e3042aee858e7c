"""Alarms as a fold: conditions and acknowledgements in, the list that everyone shows out."""

from bus.protocol.codec import build
from bus.protocol.messages import State, Status
from bus.view.alarms import RETURNED_KEPT, Alarms, Condition, acknowledged, carried_over, compared, listing
from tests.bus.samples import sample

ICING = {"m1.icing": Condition("m1", "low", "icing: 270 K", 270.0, 273.15, "K")}
TRIP = {"m1.trip": Condition("m1", "high", "tripped: slack chain")}


def shown(alarms: Alarms) -> list[tuple[str, str, bool]]:
    return [(alarm.id, alarm.state, alarm.first_out) for alarm in alarms]


def test_an_alarm_comes_is_seen_and_goes() -> None:
    alarms = compared((), ICING, 3, 0.02)
    assert shown(alarms) == [("m1.icing", "unacknowledged", True)]
    alarms = compared(alarms, {"m1.icing": ICING["m1.icing"]._replace(value=260.0)} | TRIP, 4, 0.03)
    assert shown(alarms) == [("m1.icing", "unacknowledged", True), ("m1.trip", "unacknowledged", False)]
    assert (alarms[0].raised_seq, alarms[0].raised_t, alarms[0].value, alarms[0].limit) == (3, 0.02, 260.0, 273.15)
    alarms = acknowledged(alarms, "m1.icing", 0.03, "alice")
    assert (alarms[0].acknowledged_t, alarms[0].acknowledged_by) == (0.03, "alice")
    assert acknowledged(alarms, "m1.icing", 9.0, "bob") == alarms, "it was seen already"
    assert acknowledged(alarms, "m1.other", 9.0, "bob") == alarms
    alarms = compared(alarms, {}, 5, 0.04)
    assert shown(alarms) == [("m1.trip", "returned_unacknowledged", False)], "the seen one has gone"
    assert (alarms[0].active, alarms[0].cleared_t) == (False, 0.04)
    assert acknowledged(alarms, "m1.trip", 0.05, "alice") == ()


def test_one_that_comes_again_is_a_new_one_and_asks_for_attention() -> None:
    alarms = compared(acknowledged(compared((), ICING, 1, 0.0), "m1.icing", 0.0, "alice"), {}, 2, 0.1)
    alarms = compared(alarms, ICING, 3, 0.2)
    assert (alarms[0].state, alarms[0].raised_t, alarms[0].acknowledged_by) == ("unacknowledged", 0.2, None)
    unseen = compared(compared(alarms, {}, 4, 0.3), ICING, 5, 0.4)
    assert (unseen[0].raised_t, unseen[0].active, unseen[0].cleared_t) == (0.4, True, None)


def test_a_fork_keeps_its_parents_alarms_with_times_before_its_own() -> None:
    alarms = acknowledged(compared((), ICING | TRIP, 100, 1.0), "m1.icing", 1.5, "alice")
    first, second = carried_over(alarms, 4.0)
    assert (first.raised_t, first.raised_seq, first.acknowledged_t, first.state) == (-3.0, 0, -2.5, "acknowledged")
    assert (second.raised_t, second.cleared_t, second.state) == (-3.0, None, "unacknowledged")


def test_alarms_that_went_unseen_are_bounded() -> None:
    alarms: Alarms = ()
    for k in range(RETURNED_KEPT + 5):
        alarms = compared(compared(alarms, {f"m1.w{k}": TRIP["m1.trip"]}, 2 * k, k), {}, 2 * k + 1, k)
    assert len(alarms) == RETURNED_KEPT
    assert alarms[0].id == "m1.w5"


def test_what_is_listed_is_what_the_newest_frames_of_the_run_say() -> None:
    told = [{"id": "m1.a", "raised_seq": 7}, {"id": "m1.b", "raised_seq": 2}]
    blank = sample(State)["alarms"][0]
    state: State = build(State, sample(State) | {"run": "r1", "alarms": [blank | each for each in told]})
    node = [sample(Status)["alarms"][0] | {"id": "recorder.alarm", "raised_seq": 4}]
    status: Status = build(Status, sample(Status) | {"run": "r1", "alarms": node})
    assert [alarm.id for alarm in listing([state, None], status, "r1")] == ["m1.b", "recorder.alarm", "m1.a"]
    assert listing([state], status, "r2") == []
    assert listing([None], None, None) == []
