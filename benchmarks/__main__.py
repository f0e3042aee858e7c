"""`make bench`: print every figure with its floor and its goal."""

import sys

from benchmarks import codec, dashboard, day, fanout, kernel, lateness, recorder, recorder_node, relay, replay
from benchmarks.table import show


def main() -> int:
    """Measure and print; the exit code says whether every goal was reached."""
    parts = (kernel, replay, codec, lateness, relay, fanout, recorder, recorder_node, day, dashboard)
    rows = [row for part in parts for row in part.measure()]
    show(rows)
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
