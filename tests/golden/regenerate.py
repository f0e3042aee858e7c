"""`python -m tests.golden.regenerate`: write the golden bytes of messages that have none yet.

Golden bytes are what programs in the field send and have recorded. They change only with a reason that the commit
states: `--replace` writes all of them anew, after a change of the protocol's version or before its first release.
"""

import argparse
import json
from pathlib import Path

import msgpack

from bus.protocol.schema import PROTOCOL_VERSION
from tests.bus.catalogue import WIRE
from tests.bus.samples import sample

FOLDER = Path(__file__).parent / f"v{PROTOCOL_VERSION}"


def main() -> None:
    """Write what is missing, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replace", action="store_true", help="write those anew that exist")
    replace: bool = parser.parse_args().replace
    FOLDER.mkdir(exist_ok=True)
    for cls in WIRE:
        frame, expected = FOLDER / f"{cls.__name__}.msgpack", FOLDER / f"{cls.__name__}.json"
        if frame.exists() and not replace:
            continue
        values = sample(cls)
        # Packed by the independent library, so that the bytes owe nothing to the codec that they test.
        frame.write_bytes(msgpack.packb(values))
        expected.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
