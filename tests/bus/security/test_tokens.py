"""Tokens, roles and rates, without a socket."""

import pytest

from bus.security.access_middleware import refusal_headers
from bus.security.admission import FAILURES, Admission
from bus.security.hosts import Refusal
from bus.security.rate_limits import CALLERS, Limiter, Rate
from bus.security.tokens import PATTERN, Caller, Role, Tokens, bearer, make
from runtime.log import without_secrets


def made(role: Role) -> tuple[str, Admission]:
    token, entry = make("somebody", role)
    return token, Admission(Tokens([make("other", Role.ADMIN)[1], entry]))


def test_a_token_is_known_by_its_hash_alone() -> None:
    token, entry = make("somebody", Role.OPERATOR)
    assert PATTERN.fullmatch(token)
    assert token not in repr(entry)
    assert Tokens([entry]).caller(token) == Caller("somebody", Role.OPERATOR)
    assert Tokens([entry]).caller(token[:-1]) is None
    assert Tokens([]).caller(token) is None


@pytest.mark.parametrize("needed", list(Role))
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.ADMIN])
def test_a_role_includes_those_before_it(role: Role, needed: Role) -> None:
    token, admission = made(role)
    answer = admission.admit(token, needed, "127.0.0.1", 0.0)
    assert isinstance(answer, Caller) is (role >= needed)
    if isinstance(answer, Refusal):
        assert answer.status == 403


def test_without_tokens_everybody_may_and_with_them_nobody_without() -> None:
    assert isinstance(Admission(None).admit(None, Role.ADMIN, "a", 0.0), Caller)
    _, admission = made(Role.ADMIN)
    for token in (None, "", "wrong", "kpp_" + "x" * 43):
        answer = admission.admit(token, Role.VIEWER, "a", 0.0)
        assert isinstance(answer, Refusal)
        assert answer.status == 401
    assert isinstance(admission.admit(None, Role.PUBLIC, "a", 0.0), Caller)


def test_s03_credentials_come_first_and_only_wrong_ones_are_slowed_down() -> None:
    token, admission = made(Role.OPERATOR)
    answers = [admission.admit("wrong", Role.VIEWER, "proxy", 0.0) for _ in range(14)]
    assert [answer.status for answer in answers if isinstance(answer, Refusal)] == [401] * 5 + [429] * 9
    # Everybody else comes from the same address.
    assert admission.admit(token, Role.OPERATOR, "proxy", 0.0) == Caller("somebody", Role.OPERATOR)
    assert admission.admit(token, Role.OPERATOR, "proxy", 0.0, urgent=True) == Caller("somebody", Role.OPERATOR)
    for shown in (None, "wrong"):
        assert admission.admit(shown, Role.PUBLIC, "proxy", 0.0) == Caller("", Role.PUBLIC)
    missing = admission.admit(None, Role.VIEWER, "proxy", 0.0)
    assert isinstance(missing, Refusal)
    assert missing.status == 401
    other = admission.admit("wrong", Role.VIEWER, "other", 0.0)
    assert isinstance(other, Refusal)
    assert other.status == 401


def test_f08_retry_after_is_true_and_the_text_says_the_same() -> None:
    _, admission = made(Role.OPERATOR)
    for _ in range(int(FAILURES.burst)):
        admission.admit("wrong", Role.VIEWER, "guesser", 0.0)
    slowed = admission.admit("wrong", Role.VIEWER, "guesser", 1.0)
    assert isinstance(slowed, Refusal)
    assert slowed.status == 429
    assert f"ask again in {slowed.retry_after} s" in slowed.reason
    assert refusal_headers(slowed)["retry-after"] == str(slowed.retry_after)
    again = admission.admit("wrong", Role.VIEWER, "guesser", 1.0 + slowed.retry_after)
    assert isinstance(again, Refusal)
    assert again.status == 401


def test_s03_an_emergency_stop_is_never_told_to_wait() -> None:
    token, admission = made(Role.OPERATOR)
    answers = [admission.admit(token, Role.OPERATOR, "a", 0.0) for _ in range(300)]
    slowed = answers[-1]
    assert isinstance(slowed, Refusal)
    assert slowed.status == 429
    assert f"in {slowed.retry_after} s" in slowed.reason
    assert isinstance(admission.admit(token, Role.OPERATOR, "a", 0.0, urgent=True), Caller)
    viewer, admission = made(Role.VIEWER)
    assert isinstance(admission.admit(viewer, Role.OPERATOR, "a", 0.0, urgent=True), Refusal)


def test_a_caller_gets_its_rate_and_its_burst_and_no_more() -> None:
    limiter = Limiter(Rate(per_second=10.0, burst=5.0))
    passed = [now / 1000 for now in range(2000) if limiter.wait("a", now / 1000) == 0.0]
    assert len(passed) == pytest.approx(5 + 20, abs=1)
    assert limiter.wait("b", 2.0) == 0.0
    assert limiter.wait("a", 2.0) <= 0.1


def test_callers_beyond_the_limit_are_forgotten() -> None:
    limiter = Limiter(Rate(1.0, 1.0))
    for number in range(CALLERS + 10):
        limiter.wait(str(number), 0.0)
    assert limiter.wait("0", 0.0) == 0.0
    assert limiter.wait(str(CALLERS + 9), 0.0) > 0.0


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([], None),
        (["Bearer abc"], "abc"),
        (["bearer  abc "], "abc"),
        (["Basic abc"], None),
        (["Bearer a", "Bearer b"], None),
    ],
)
def test_the_bearer_is_read(headers: list[str], token: str | None) -> None:
    assert bearer(headers) == token


def test_log_lines_are_kept_free_of_tokens() -> None:
    token, _ = make("somebody", Role.ADMIN)
    line = without_secrets(None, "error", {"event": f"refused {token}", "exception": f"x={token!r}", "tick": 7})
    assert line == {"event": "refused kpp_...", "exception": "x='kpp_...'", "tick": 7}
