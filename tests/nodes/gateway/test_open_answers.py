"""Answers that take long to send are limited, whatever comes together."""

import pytest

from nodes.gateway.open_answers import OpenAnswers
from nodes.gateway.problems import ProblemError


def test_of_two_that_found_room_together_the_second_is_refused() -> None:
    exports = OpenAnswers(1, "exports are under way", 5)
    exports.expect_room()
    exports.expect_room()
    with exports.one_more():
        assert exports.count == 1
        with pytest.raises(ProblemError) as refused, exports.one_more():
            pytest.fail("it was let in")
        assert refused.value.problem.status == 503
        assert refused.value.problem.detail == "1 exports are under way"
        assert refused.value.headers == {"Retry-After": "5"}
    assert exports.count == 0
    exports.expect_room()


def test_an_answer_that_fails_leaves_its_place() -> None:
    streams = OpenAnswers(1, "streams are open", 1)
    with pytest.raises(ConnectionError), streams.one_more():
        raise ConnectionError
    assert streams.count == 0
