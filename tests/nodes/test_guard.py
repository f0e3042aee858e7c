"""Who watches the watchdog, in virtual time."""

from nodes.supervision.account import Usage
from nodes.supervision.guard import Guard

STEP = 0.25


def kills(
    guard: Guard, pid: int, begin: float, seconds: float, beating: bool, share: float | None = None
) -> list[float]:
    """Moments at which the process is to be killed; it may get a share of a processor only."""
    moments = []
    for step in range(round(seconds / STEP)):
        now = begin + step * STEP
        if beating:
            guard.beat(now)
        usage = None if share is None else Usage(share * (now - begin), (1 - share) * (now - begin))
        if guard.hangs(pid, usage, now):
            moments.append(now)
    return moments


def test_a_watchdog_that_calls_lives_and_one_that_stops_dies_after_three_seconds() -> None:
    guard = Guard(0.0)
    assert kills(guard, 7, 0.0, 60.0, beating=True) == []
    assert kills(guard, 7, 60.0, 4.0, beating=False) == [63.0]


def test_a_new_watchdog_gets_five_seconds_for_its_first_call() -> None:
    guard = Guard(0.0)
    assert kills(guard, 7, 0.0, 6.0, beating=False) == [5.25]
    assert kills(guard, 8, 6.0, 5.0, beating=False) == []


def test_f03_a_watchdog_that_starts_slowly_for_want_of_a_processor_lives() -> None:
    guard = Guard(0.0)
    assert kills(guard, 7, 0.0, 120.0, beating=False, share=0.1) == []


def test_f03_each_kill_of_a_watchdog_that_has_not_called_doubles_its_time() -> None:
    guard, now, taken = Guard(0.0), 0.0, []
    for pid in range(1, 5):
        begun = now
        while not guard.hangs(pid, None, now):
            now += STEP
        taken.append(now - begun)
        now += STEP
    assert taken == [5.25, 10.25, 20.25, 40.25]
    guard.beat(now)
    assert kills(guard, 9, now + STEP, 6.0, beating=False) == [now + STEP + 5.25]


def test_after_a_pause_of_supervisord_itself_nobody_is_killed() -> None:
    guard = Guard(0.0)
    kills(guard, 7, 0.0, 10.0, beating=True)
    assert kills(guard, 7, 3610.0, 2.0, beating=False) == []


def test_without_a_process_there_is_nothing_to_kill() -> None:
    assert kills(Guard(0.0), 0, 0.0, 60.0, beating=False) == []


def test_a_watchdog_given_up_is_started_again_for_ever() -> None:
    guard = Guard(0.0)
    starts = [step * STEP for step in range(4 * 3600) if guard.starts(True, step * STEP)]
    assert starts[:4] == [0.5, 1.5, 3.5, 7.5]
    assert len(starts) > 350
    assert not guard.starts(False, 3600.0)
