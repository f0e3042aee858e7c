"""The display frame: what the page draws, packed for one WebSocket message. Pure.

Little endian, without padding. Every block begins at a multiple of its item's size, so that the page can lay typed
arrays over the message instead of copying it; JavaScript refuses an array that begins elsewhere.

    offset size  what
    0      u8    0x4B
    1      u8    layout version
    2      u16   N, number of floaters
    4      u32   number of the frame
    8      f64   Unix time of packing [s]
    16     f64   Unix time at which the newest state was sent [s], NaN before the first
    24     f64   simulated time of that state [s]
    32     f32   seconds since a state was heard, NaN before the first
    36     f32   seconds since the clock was heard, NaN before the first
    40     u32   ordinal of the run: with a new value all histories begin again
    44     u32   running number of the first sample
    48     u16   n, number of samples
    50     u16   S, values of a sample
    52     u16   V, newest values
    54     u16   0
    56     f64   n simulated times [s]
           f32   n x S values, SI, a line for each sample
           f32   V newest values, SI; NaN for a value that does not exist
           f32   N air masses in the floaters [kg]
           f32   N air temperatures in them [K], NaN for an empty one
           f32   N positions along the loop, 0 to below 1: a round
           f32   N fills, 1 = full of air
"""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ui.trend_buffer import Samples

MAGIC = 0x4B
LAYOUT = 3

_HEADER = struct.Struct("<BBHIdddffIIHHHH")
MAX_SAMPLES = 0xFFFF
"""Most samples of a frame, whose number has 16 bits."""


class LayoutError(ValueError):
    """Bytes that are not a display frame of this layout."""


@dataclass(frozen=True)
class DisplayFrame:
    """One display frame, unpacked; the units are those of the layout above."""

    number: int
    wall: float
    state_wall: float
    t: float
    state_age: float
    clock_age: float
    run: int
    samples: Samples
    newest: npt.NDArray[np.float32]
    position: npt.NDArray[np.floating]
    """Place along the loop, 0 <= x < 1."""
    fill: npt.NDArray[np.floating]
    """Air volume over floater volume, 0 to 1."""
    air_mass: npt.NDArray[np.float32]
    temperature: npt.NDArray[np.float32]


def pack(frame: DisplayFrame) -> bytes:
    """The bytes of a frame."""
    count, width = frame.samples.values.shape
    header = _HEADER.pack(
        MAGIC,
        LAYOUT,
        len(frame.position),
        frame.number & 0xFFFFFFFF,  # begins again at 0 after seven years
        frame.wall,
        frame.state_wall,
        frame.t,
        frame.state_age,
        frame.clock_age,
        frame.run,
        frame.samples.first,
        count,
        width,
        len(frame.newest),
        0,
    )
    position = frame.position.astype("<f4") % np.float32(1.0)  # what is just below one round may round to it
    fill = np.clip(frame.fill, 0.0, 1.0)
    # Items of 8 bytes first: behind them every block of 4-byte items is aligned, however many there are. The byte order
    # is given, because the page reads them in that of its own machine: little endian, wherever browsers run.
    return b"".join(
        (
            header,
            frame.samples.t.astype("<f8").tobytes(),
            frame.samples.values.astype("<f4").tobytes(),
            frame.newest.astype("<f4").tobytes(),
            frame.air_mass.astype("<f4").tobytes(),
            frame.temperature.astype("<f4").tobytes(),
            position.astype("<f4").tobytes(),
            fill.astype("<f4").tobytes(),
        )
    )


def unpack(payload: bytes) -> DisplayFrame:
    """The frame that some bytes are.

    Raises:
        LayoutError: if they are no display frame, or one of another layout.
    """
    if len(payload) < _HEADER.size:
        raise LayoutError(f"{len(payload)} bytes are shorter than the header of {_HEADER.size}")
    magic, layout, floaters, number, *times, run, first, count, width, newest, _ = _HEADER.unpack_from(payload)
    wall, state_wall, t, state_age, clock_age = times
    if (magic, layout) != (MAGIC, LAYOUT):
        raise LayoutError(f"magic {magic:#x} and layout {layout} are not {MAGIC:#x} and {LAYOUT}")
    fast = (("<f8", count), ("<f4", count * width), ("<f4", newest))
    blocks = (*fast, *(("<f4", floaters),) * 4)
    size = _HEADER.size + sum(np.dtype(kind).itemsize * items for kind, items in blocks)
    if len(payload) != size:
        raise LayoutError(f"{len(payload)} bytes are not the {size} that the header announces")
    arrays, offset = [], _HEADER.size
    for kind, items in blocks:
        arrays.append(np.frombuffer(payload, kind, items, offset))
        offset += np.dtype(kind).itemsize * items
    return DisplayFrame(
        number=number,
        wall=wall,
        state_wall=state_wall,
        t=t,
        state_age=state_age,
        clock_age=clock_age,
        run=run,
        samples=Samples(first, arrays[0], arrays[1].reshape(count, width)),
        newest=arrays[2],
        air_mass=arrays[3],
        temperature=arrays[4],
        position=arrays[5],
        fill=arrays[6],
    )
