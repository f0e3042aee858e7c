"""Supervisord's remote calls over its Unix socket, with a time limit.

supervisord brings a client of its own (`supervisor.xmlrpc.SupervisorTransport`), which waits without a limit.
"""

import http.client
import socket
import xmlrpc.client
from typing import Any

from nodes.supervision.account import Usage
from nodes.supervision.watchdog.program_record import Program

CALL_LIMIT = 2.0
"""Seconds that each step of a call may take; a supervisor that is stopped answers none."""


class SupervisorError(OSError):
    """Supervisord did not do what it was asked to, or did not answer."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=CALL_LIMIT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CALL_LIMIT)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002  # there is one peer only
        return _UnixConnection(self._path)


class Supervisor:
    """The supervisor that started this process.

    Args:
        url: `unix://` and the path of its socket, from SUPERVISOR_SERVER_URL.

    Raises:
        ValueError: if the address is of another kind.
    """

    def __init__(self, url: str) -> None:
        path = url.removeprefix("unix://")
        if not path or path == url:
            raise ValueError(f"SUPERVISOR_SERVER_URL={url!r}: needs unix:// and the path of supervisord's socket")
        self._proxy = xmlrpc.client.ServerProxy("http://localhost", _UnixTransport(path))

    def beat(self) -> list[Program]:
        """Report that the watchdog is alive; returns every program of the supervisor.

        Raises:
            SupervisorError: if supervisord does not answer.
        """
        return [
            Program(
                each["name"], each["pid"], each["state"], each["age"],
                Usage.of(each["usage"]) if each["usage"] else None, tuple(each["killed"]),
            )
            for each in self._call("kpp.beat")
        ]  # fmt: skip

    def kill(self, program: str, pid: int) -> bool:
        """Send SIGKILL to a program's process if it is still this one; False if it is not.

        Raises:
            SupervisorError: if supervisord could not do it, or does not answer.
        """
        # SIGKILL: a process that was stopped or hangs in a call takes no other signal. By way of supervisord, which
        # reaps its children: to send it from here could hit a process that has got the number since.
        return bool(self._call("kpp.kill", program, pid))

    def start(self, program: str) -> None:
        """Start a program, without waiting for it.

        Raises:
            SupervisorError: with the reason why it could not be started.
        """
        # False: do not wait. Otherwise supervisord answers only when the program is up, which may take longer than
        # CALL_LIMIT, and the watchdog would do nothing else meanwhile.
        self._call("supervisor.startProcess", program, False)

    def _call(self, method: str, *args: object) -> Any:
        try:
            return getattr(self._proxy, method)(*args)
        except xmlrpc.client.Fault as fault:
            raise SupervisorError(f"{method}: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise SupervisorError(f"{method}: {error!r}") from error
