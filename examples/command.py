"""Send a command and print its result. Needs pyzmq and msgpack, and nothing of the simulator.

python examples/command.py start
python examples/command.py set_speed speed=10
python examples/command.py set_parameters --module m1 floater_mass=18
python examples/command.py pause --control tcp://10.0.0.1:9203 --publisher tcp://10.0.0.1:9202 --key panel.json
"""

import argparse
import json
import sys
import time
import uuid
from typing import Any

import msgpack
import zmq

ATTEMPTS = 5
ANSWER_MS = 500
RESULT_S = 5.0


def argument(text: str) -> tuple[str, Any]:
    """`name=value`, the value as JSON or else as text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def keyed(socket: "zmq.Socket[bytes]", path: str) -> "zmq.Socket[bytes]":
    """Give a socket the keys of a file that `kpp keys client` has made; without a path it has none."""
    if path:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  # an example to be read: open() is what everybody knows
            keys = json.load(file)
        socket.curve_publickey, socket.curve_secretkey = keys["public"].encode(), keys["secret"].encode()
        socket.curve_serverkey = keys["server"].encode()
    return socket


def listen(publisher: str, topic: str, key: str) -> "zmq.Socket[bytes]":
    """Subscribe to results, and wait until a message has arrived: from then on no result is missed."""
    socket = keyed(zmq.Context.instance().socket(zmq.SUB), key)
    socket.connect(publisher)
    socket.subscribe("result/")
    socket.subscribe(topic)
    if not socket.poll(2000):
        print(f"nothing heard from {publisher}: is the plant running?", flush=True)
    return socket


def ask(control: str, request: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Send a request until it is answered. The id, the same each time, makes sure that it acts only once."""
    for _attempt in range(ATTEMPTS):
        with keyed(zmq.Context.instance().socket(zmq.REQ), key) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(control)
            socket.send(msgpack.packb(request))
            if socket.poll(ANSWER_MS):
                answer: dict[str, Any] = msgpack.unpackb(socket.recv())
                return answer
    return None


def result(socket: "zmq.Socket[bytes]", command_id: str) -> dict[str, Any] | None:
    """The result of one command, None when it does not come in time."""
    deadline = time.monotonic() + RESULT_S
    while (left := deadline - time.monotonic()) > 0:
        if not socket.poll(round(left * 1000)):
            break
        parts = socket.recv_multipart()
        try:
            if parts[0] == b"result/" and (found := msgpack.unpackb(parts[1]))["id"] == command_id:
                return dict(found)
        except (ValueError, KeyError, TypeError, IndexError):  # bytes from a network: anything may come
            continue
    return None


def main() -> int:
    """Send one command; returns 0 if it was applied."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="start, pause, resume, stop, step, set_speed, reset, or a module's command")
    parser.add_argument("args", nargs="*", type=argument, metavar="name=value", help="arguments of the command")
    parser.add_argument("--module", default="clock", help="which process carries it out: clock or a plant module")
    parser.add_argument("--control", default="tcp://127.0.0.1:9203", help="control socket of the clock")
    parser.add_argument("--publisher", default="", help="where the result is published; default: port 9202 or 9210")
    parser.add_argument("--id", default="", help="id to use again for a command whose result is unknown")
    parser.add_argument("--key", default="", help="file of `kpp keys client`, for a plant that has keys")
    args = parser.parse_intermixed_args()  # options may stand between the name and its arguments

    own = ("tcp://127.0.0.1:9202", "tick") if args.module == "clock" else ("tcp://127.0.0.1:9210", "state/")
    results = listen(args.publisher or own[0], own[1], args.key)
    request = {
        "type": "command",
        "id": args.id or uuid.uuid4().hex,
        "module": args.module,
        "name": args.name,
        "args": dict(args.args),
        "origin": "example",
    }
    answer = ask(args.control, request, args.key)
    if answer is None:
        print(f"no answer from {args.control}: whether {request['id']} acts is unknown, ask again with --id")
        return 1
    if answer["type"] != "sequenced":
        print(f"refused: {answer['field']} {answer['reason']}")
        return 1
    print(f"sequenced at tick {answer['seq']} of run {answer['run']}", flush=True)
    found = result(results, request["id"])
    if found is None:
        print(f"no result in {RESULT_S:g} s: ask again with --id {request['id']}")
        return 1
    print(f"{found['outcome']} at t = {found['t']:.3f} s: {found['reason'] or json.dumps(found['applied'])}")
    for violation in found["violations"]:
        print(f"  {violation['field']}: {violation['reason']}")
    return 0 if found["outcome"] == "applied" else 1


if __name__ == "__main__":
    sys.exit(main())
