"""`python -m tests.chaos`: faults from a seed; the exit code is 1 when something was lost, doubled or different."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from tests.chaos import page
from tests.chaos.checker import summary
from tests.chaos.driver import Chaos, run, scratch


def main() -> int:
    """Run and report; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the plan and of the commands")
    parser.add_argument("--faults", type=int, default=1000, help="how many")
    parser.add_argument("--rate", type=float, default=2.0, help="faults a second, on average")
    parser.add_argument("--standby", action="store_true", help="with a hot standby of the plant module")
    parser.add_argument("--hogs", type=int, default=0, help="programs beside it that use up the processors")
    parser.add_argument("--figures", type=Path, help="write the figures there, as JSON")
    parser.add_argument("--page", action="store_true", help="write the figures into docs/reliability.md")
    parser.add_argument("--logs", type=Path, help="keep the nodes' logs there, and a timeline of the faults")
    args = parser.parse_args()
    folder = scratch()
    load = page.load()
    chaos = Chaos(args.seed, args.faults, args.rate, args.standby, args.hogs, controls=True)
    outcome = run(chaos, folder, args.logs, lambda line: sys.stderr.write(f"{line}\n"))
    text = json.dumps(outcome.figures(), indent=2)
    sys.stdout.write(f"{text}\n{summary(outcome.findings)}\n")
    if args.figures:
        args.figures.write_text(text + "\n")
    if args.page:
        page.write("chaos", page.chaos(outcome.figures(), load))
    shutil.rmtree(folder, ignore_errors=True)
    for kill in outcome.kills_of_healthy:
        sys.stdout.write(f"killed and had not hung: {kill.program}, process {kill.pid}\n")
    return 1 if outcome.findings or outcome.kills_of_healthy else 0


if __name__ == "__main__":
    sys.exit(main())
