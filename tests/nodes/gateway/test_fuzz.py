"""A million damaged inputs for every decoder that bytes from outside meet: each one gives a value or a refusal.

The inputs are valid ones with some bytes changed, cut, doubled or put in, from a seed; `KPP_FUZZ` sets how many and
`KPP_FUZZ_SEED` which.
"""

import os
import random
from collections.abc import Callable
from itertools import cycle

import msgspec
import pytest

from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.security import hosts
from bus.security.tokens import Caller, Role, bearer
from nodes.gateway import bodies
from nodes.gateway.core import GatewayPlant
from nodes.gateway.session import Session, subprotocol, token_offered
from nodes.gateway.subscription import Subscription, of_query
from tests.bus.catalogue import DOORS, members
from tests.bus.samples import frame

COUNT = int(os.environ.get("KPP_FUZZ", "1000000"))
SEED = int(os.environ.get("KPP_FUZZ_SEED", "20260101"))

HEADERS = [
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc1",
    b"\xc9\0\0\0\1\1",
]
"""Beginnings that promise more than there is, and what is never valid."""

Decode = Callable[[bytes], object]


def session(*, binary: bool) -> Session:
    return Session(Subscription(("state/m1/",)), binary=binary, now=0.0, caller=Caller("", Role.ADMIN))


JSON_CLIENT, BINARY_CLIENT = session(binary=False), session(binary=True)
PLANT = GatewayPlant(("m1",), 0.0)

SUBSCRIBE = {"type": "subscribe", "topics": ["tick", "state/m1/"], "fields": ["chain.speed"], "every": 5}
SAID = [
    {"type": "rate", "rate": 20.0},
    {**SUBSCRIBE, "after": {"run": "r", "seq": 7}},
    {"type": "command", "module": "clock", "name": "step", "args": {"deep": {"a": [1, 2.5, None]}}, "id": "x-1"},
    {"type": "auth", "token": "kpp_" + "x" * 43},
]
SMALL = 3000
"""Bytes; larger frames would take most of the time, and the state is fed to the gateway's own door."""


def text_of(payload: bytes) -> str:
    return payload.decode("utf-8", "surrogateescape")


def on_the_bus(topic: bytes) -> Decode:
    return lambda payload: PLANT.on(topic, payload, 0.0)


def of_kind(kind: object) -> Decode:
    return lambda payload: codec.decode(payload, kind)


def offered(payload: bytes) -> object:
    names = [text_of(payload)]
    return subprotocol(names), token_offered(names), bearer(names)


def headers(payload: bytes) -> object:
    return hosts.check([text_of(payload)], [text_of(payload)], hosts.Names("127.0.0.1"))


DOOR_FRAMES = {
    name: [found for each in members(kind) if len(found := frame(each)) < SMALL] for name, kind in DOORS.items()
}
TARGETS: list[tuple[str, Decode, list[bytes]]] = [
    *((name, of_kind(DOORS[name]), frames) for name, frames in DOOR_FRAMES.items() if frames),
    ("tick", on_the_bus(b"tick"), DOOR_FRAMES["Tick"]),
    ("state", on_the_bus(b"state/m1/"), [frame(members(DOORS["State"])[0])]),
    ("websocket JSON", lambda data: JSON_CLIENT.hear(text_of(data)), [msgspec.json.encode(each) for each in SAID]),
    ("websocket MessagePack", BINARY_CLIENT.hear, [msgspec.msgpack.encode(each) for each in SAID]),
    (
        "query",
        lambda data: of_query(text_of(data), ["m1"]),
        [b"rate=30&module=m1", b"fields=chain.speed&every=3&after=9"],
    ),
    ("body", lambda data: bodies.check(data, "application/json"), [b'{"ticks": 10, "a": [1.5, null, {"b": "c"}]}']),
    ("host", headers, [b"localhost:9100", b"http://[::1]:9103"]),
    ("subprotocol", offered, [b"kpp.json.v1", b"Bearer kpp_abc"]),
]


def damaged(valid: bytes, chance: random.Random) -> bytes:
    """The input with a few changes."""
    data = bytearray(valid)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = bytes((chance.randrange(256),))
            case 1:
                del data[at : at + chance.randrange(1, 9)]
            case 2:
                data[at:at] = data[at : at + chance.randrange(1, 9)]
            case 3:
                data[at:at] = chance.choice(HEADERS)
            case 4:
                data[at : at + 4] = chance.randbytes(4)
            case _:
                del data[at:]
    return bytes(data)


@pytest.mark.timeout(600)
def test_a_million_damaged_inputs_give_a_value_or_a_refusal() -> None:
    chance = random.Random(SEED)  # noqa: S311  # inputs, not secrets
    targets = cycle(TARGETS)
    refused = 0
    for _ in range(COUNT):
        name, decode, valid = next(targets)
        data = damaged(chance.choice(valid), chance)
        try:
            decode(data)
        except FrameError:
            refused += 1
        except Exception as error:  # whatever it is: anything but a refusal is the finding, told with its input
            raise AssertionError(f"{name}: {type(error).__name__} for {data!r}") from error
    assert refused > COUNT // 10
