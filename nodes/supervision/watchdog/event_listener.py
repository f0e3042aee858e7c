"""Supervisord's event listener protocol, pure: bytes of standard input in, events and bytes of standard output out."""

from dataclasses import dataclass

READY = b"READY\n"
OK = b"RESULT 2\nOK"

HEADER_LONGEST = 4096
PAYLOAD_LONGEST = 1 << 20


class ListenerError(ValueError):
    """What came is not the protocol."""


@dataclass(frozen=True)
class Notice:
    """One event: its name (`PROCESS_STATE_EXITED`, ...) and what it tells, by key."""

    name: str
    data: dict[str, str]


class EventListener:
    """Splits what supervisord writes into events. Supervisord sends the next one after the answer to the last."""

    def __init__(self) -> None:
        self._buffer = b""

    def take(self, received: bytes) -> list[Notice]:
        """Events that are complete now; answer each with OK and READY.

        Raises:
            ListenerError: if the bytes are not the protocol.
        """
        self._buffer += received
        notices: list[Notice] = []
        while (line_end := self._buffer.find(b"\n")) >= 0:
            header = _pairs(self._buffer[:line_end].decode("ascii", "replace"))
            try:
                length = int(header["len"])
                name = header["eventname"]
            except (KeyError, ValueError) as error:
                raise ListenerError(f"an event without {error}: {self._buffer[:line_end]!r}") from error
            if not 0 <= length <= PAYLOAD_LONGEST:
                raise ListenerError(f"an event of {length} bytes: the limit is {PAYLOAD_LONGEST}")
            end = line_end + 1 + length
            if len(self._buffer) < end:
                break
            payload = self._buffer[line_end + 1 : end].decode("utf-8", "replace")
            notices.append(Notice(name, _pairs(payload.partition("\n")[0])))
            self._buffer = self._buffer[end:]
        else:
            if len(self._buffer) > HEADER_LONGEST:
                raise ListenerError(f"{len(self._buffer)} bytes without an end of line")
        return notices


def _pairs(line: str) -> dict[str, str]:
    return {key: value for key, _, value in (word.partition(":") for word in line.split())}
