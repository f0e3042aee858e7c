"""What closed pages leave is collected, however late the last that holds it lets go."""

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from ui.ended_sessions import FIRST, LAST, EndedSessions


class Document:
    """A document in a cycle, as Bokeh's are: only the collector frees it."""

    def __init__(self) -> None:
        self.session_context: Any = object()
        self.itself = self


class Hands:
    """A clock of the test's own: what is due is called when the test says so."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], None]]] = []

    def later(self, delay: float, call: Callable[[], None]) -> None:
        self.due.append((delay, call))

    def turn(self) -> float:
        delay, call = self.due.pop(0)
        call()
        return delay


def closed(documents: WeakSet[Any], ended: EndedSessions, count: int) -> list[Document]:
    made = [Document() for _ in range(count)]
    for document in made:
        documents.add(document)
        document.session_context = None
        ended.note(None)
    return made


def test_several_that_end_together_are_collected_once() -> None:
    documents: WeakSet[Any] = WeakSet()
    hands = Hands()
    closed(documents, EndedSessions(documents, hands.later), 5)
    assert [hands.turn()] == [FIRST]
    assert (len(documents), hands.due) == (0, [])


def test_what_is_held_at_first_goes_with_a_later_collection() -> None:
    documents: WeakSet[Any] = WeakSet()
    hands = Hands()
    held = closed(documents, EndedSessions(documents, hands.later), 3)
    assert [hands.turn(), hands.turn()] == [FIRST, 2 * FIRST]
    assert len(documents) == 3
    held.clear()
    assert hands.turn() == 4 * FIRST
    assert (len(documents), hands.due) == (0, [])


def test_one_that_stays_for_good_is_not_asked_after_for_ever() -> None:
    documents: WeakSet[Any] = WeakSet()
    hands = Hands()
    ended = EndedSessions(documents, hands.later)
    held = closed(documents, ended, 1)
    hands.turn()
    assert hands.due == []  # a callback of Panel's own may name one
    held += closed(documents, ended, 1)
    pauses = []
    while hands.due:
        pauses.append(hands.turn())
    assert (pauses[0], pauses[-1]) == (FIRST, LAST)
    assert len(documents) == len(held) == 2


def test_a_page_that_is_open_is_no_reason_to_collect() -> None:
    documents: WeakSet[Any] = WeakSet()
    hands = Hands()
    pages = [Document() for _ in range(4)]
    for page in pages:
        documents.add(page)
    closed(documents, EndedSessions(documents, hands.later), 1)
    hands.turn()
    assert (len(documents), hands.due) == (4, [])
