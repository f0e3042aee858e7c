"""The display frame: what is packed is what is unpacked, and its layout does not change unnoticed."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.frames import LAYOUT, MAGIC, DisplayFrame, LayoutError, pack, unpack
from ui.trend_buffer import Samples


def frame(count: int = 2, floaters: int = 3) -> DisplayFrame:
    return DisplayFrame(
        number=7,
        wall=1_800_000_000.25,
        state_wall=1_800_000_000.125,
        t=12.5,
        state_age=0.0625,
        clock_age=math.nan,
        run=3,
        samples=Samples(
            41, np.arange(count, dtype=np.float64) * 0.05, np.arange(count * 4, dtype=np.float32).reshape(count, 4)
        ),
        newest=np.array([1.5, math.nan], dtype=np.float32),
        position=np.arange(floaters) / max(floaters, 1),
        fill=np.linspace(0.0, 1.0, floaters),
        air_mass=np.linspace(0.0, 0.5, floaters, dtype=np.float32),
        temperature=np.full(floaters, math.nan, dtype=np.float32),
    )


@given(count=st.integers(0, 40), floaters=st.integers(0, 200))
def test_what_is_packed_is_unpacked(count: int, floaters: int) -> None:
    sent = frame(count, floaters)
    got = unpack(pack(sent))
    assert (got.number, got.wall, got.state_wall, got.t, got.run) == (7, sent.wall, sent.state_wall, 12.5, 3)
    assert got.state_age == pytest.approx(0.0625)
    assert math.isnan(got.clock_age)
    assert got.samples.first == 41
    np.testing.assert_array_equal(got.samples.t, sent.samples.t)
    np.testing.assert_array_equal(got.samples.values, sent.samples.values)
    np.testing.assert_array_equal(got.newest, sent.newest)
    np.testing.assert_allclose(got.position, sent.position, atol=1e-7)
    np.testing.assert_allclose(got.fill, sent.fill, atol=1e-7)
    np.testing.assert_array_equal(got.air_mass, sent.air_mass)
    np.testing.assert_array_equal(got.temperature, sent.temperature)


def test_the_layout_that_the_page_reads() -> None:
    payload = pack(frame())
    assert (payload[0], payload[1]) == (MAGIC, LAYOUT)
    assert struct.unpack_from("<H", payload, 2) == (3,)
    assert struct.unpack_from("<dd", payload, 8) == (1_800_000_000.25, 1_800_000_000.125)
    assert struct.unpack_from("<IIHHHH", payload, 40) == (3, 41, 2, 4, 2, 0)
    assert struct.unpack_from("<2d", payload, 56) == (0.0, 0.05)
    assert len(payload) == 56 + 2 * 8 + 2 * 4 * 4 + 2 * 4 + 4 * 3 * 4


def test_a_place_just_before_the_end_of_the_loop_stays_on_it() -> None:
    one = {"air_mass": np.zeros(1, dtype=np.float32), "temperature": np.zeros(1, dtype=np.float32)}
    almost = DisplayFrame(**{**vars(frame()), "position": np.array([0.99999999]), "fill": np.array([2.0]), **one})
    got = unpack(pack(almost))
    assert got.position[0] == 0.0
    assert got.fill[0] == 1.0, "a fill beyond full is drawn full"


@pytest.mark.parametrize(
    "payload",
    [b"", b"K", pack(frame())[:-1], pack(frame()) + b"x", b"X" + pack(frame())[1:]],
    ids=["empty", "short", "cut", "long", "magic"],
)
def test_other_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(LayoutError):
        unpack(payload)
