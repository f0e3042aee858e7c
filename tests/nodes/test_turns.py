"""Who may start: as many as there are processors, fewer where they are short, and nobody waits for ever."""

from nodes.supervision.account import Account, Usage
from nodes.supervision.turns import LONGEST, Turns

STEP = 0.05


def spend(seconds: float, ran: float, queued: float) -> Account:
    """The account of a process that has spent `seconds` since its start at 0."""
    account = Account(0.0)
    account.look(Usage(ran, queued), seconds)
    return account


def test_two_load_at_a_time_and_the_next_starts_when_one_has_loaded() -> None:
    turns = Turns("abcd", 2)
    assert turns.due({}) == ["a", "b"]
    loading = spend(1.0, 1.0, 0.0)
    assert turns.due({"a": loading, "b": loading}) == []
    assert turns.due({"a": spend(1.5, 1.0, 0.0), "b": loading}) == ["c"]
    assert turns.due({"b": spend(1.5, 1.0, 0.0), "c": loading}) == ["d"]
    assert turns.over


def test_f03_one_at_a_time_where_processors_are_short() -> None:
    turns = Turns("abc", 2)
    assert turns.due({}) == ["a", "b"]
    short = spend(10.0, 1.0, 9.0)
    assert turns.due({"a": spend(10.0, 1.0, 2.0), "b": short}) == [], "one loads, and that is enough"
    assert turns.due({"b": spend(30.0, 3.0, 20.0)}) == ["c"]


def test_who_died_or_never_settles_keeps_nobody_waiting() -> None:
    turns = Turns("abc", 1)
    assert turns.due({}) == ["a"]
    assert turns.due({}) == ["b"], "the first has gone"
    assert turns.due({"b": spend(LONGEST - 1, LONGEST - 1, 0.0)}) == []
    assert turns.due({"b": spend(LONGEST + 1, LONGEST + 1, 0.0)}) == ["c"]
