"""`python -m nodes.physics`: one instance of a plant module, with its sockets, scenario files and snapshots."""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from bus.protocol.endpoints import INSTANCES, EndpointError, Endpoints
from bus.protocol.health import COMPILING
from bus.transport.sockets import Dealer, Publisher, Server, Subscriber
from catalog.data_folder import DataFolder
from catalog.scenarios import Scenarios
from runtime.process import Starting, StopSignal, begin, give_up
from system.environment_variables import data_folder, scenario_folder


def main() -> int:
    """Run one instance of a module until told to stop; returns the exit code."""
    args = _arguments()
    log = begin("physics").bind(module=args.module, instance=args.instance)
    try:
        endpoints = Endpoints.from_environment(os.environ)
        own = endpoints.module(args.module).instance(args.instance)
        with ExitStack() as stack:
            publisher = stack.enter_context(Publisher(own.publish))
            server = stack.enter_context(Server(own.snapshot))
            # The sockets are bound before: a second process of this instance fails now, and not after a minute.
            log.info("loading the kernel; the first time it is compiled, which takes about a minute")
            with Starting(endpoints, "physics", "loading the kernel") as starting:
                # Not at the head of the file: the import compiles, and by then the line above has to be in the log, and
                # beats have to say what takes so long.
                from kpp_physics.compiled import KERNEL_VERSION, is_compiled, note_compiled  # noqa: PLC0415  # may compile

                if not is_compiled():
                    starting.say("compiling the kernel", COMPILING)
                from nodes.physics.app import Files, Shell, Sockets  # noqa: PLC0415  # may compile

                note_compiled()

            log.info("physics started", kernel=KERNEL_VERSION[:12])
            sockets = Sockets(
                ticks=stack.enter_context(Subscriber([endpoints.clock_publish], ["tick"])),
                clock=stack.enter_context(Dealer(endpoints.clock_control)),
                archive=stack.enter_context(Dealer(endpoints.clock_control)),
                past=stack.enter_context(Dealer(endpoints.clock_control)),
                publisher=publisher,
                server=server,
            )
            files = Files.open(DataFolder(args.data), Scenarios(args.scenarios), args.module, args.instance)
            stack.callback(files.writer.stop)
            Shell(args.module, args.instance, sockets, files, log).run(StopSignal())
    except (OSError, EndpointError) as error:
        return give_up(log, str(error))
    log.info("physics stopped")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nodes.physics", description=__doc__)
    parser.add_argument("--module", default="m1", help="name of the plant module, one of KPP_MODULES")
    parser.add_argument(
        "--instance", default=INSTANCES[0], choices=INSTANCES, help="which process of the module; b is the hot standby"
    )
    folder = scenario_folder()
    parser.add_argument("--scenarios", type=Path, default=folder, help="folder of the scenario files (%(default)s)")
    parser.add_argument("--data", type=Path, default=data_folder(), help="data folder of the plant (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
