"""`python -m ui`: start the dashboard."""

import gc
import sys


def main() -> int:
    """Import the dashboard and serve until told to stop; returns the exit code."""
    # What is imported stays for good: collecting meanwhile finds nothing and costs a restart half a second.
    gc.disable()
    from ui.server import serve  # noqa: PLC0415  # the import is what has to run without collections

    return serve()


if __name__ == "__main__":
    sys.exit(main())
