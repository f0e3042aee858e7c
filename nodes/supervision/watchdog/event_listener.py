"""Supervisord's event listener protocol, pure: bytes of standard input in, events and bytes of standard output out.

Source: the chapter "Event Listeners and Event Notifications" of supervisord's manual.
"""

from dataclasses import dataclass

READY = b"READY\n"
"""Said once at the start and again after each answer: supervisord sends an event only to a listener that is ready."""

OK = b"RESULT 2\nOK"
"""The answer to an event: two bytes follow the line, without an end of line. Any other answer would have supervisord
send the event again."""

HEADER_LONGEST = 4096
"""Most bytes of an event's first line."""

PAYLOAD_LONGEST = 1 << 20
"""Most bytes of an event after its first line."""


class ListenerError(ValueError):
    """The bytes received do not follow the protocol."""


@dataclass(frozen=True)
class Notice:
    """One event: its name (`PROCESS_STATE_EXITED`, ...) and the key-value pairs of its payload."""

    name: str
    data: dict[str, str]


class EventListener:
    """Splits what supervisord writes into events. The next event comes only after the answer to the last one."""

    def __init__(self) -> None:
        self._buffer = b""

    def take(self, received: bytes) -> list[Notice]:
        """The events that are complete with these bytes; answer each of them with OK and READY.

        Args:
            received: what was read, cut anywhere; empty if there was nothing.

        Raises:
            ListenerError: if the bytes do not follow the protocol, or an event is longer than the limits.
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
            # The length counts bytes, not characters, so the event is cut before it is decoded.
            end = line_end + 1 + length
            if len(self._buffer) < end:
                break
            payload = self._buffer[line_end + 1 : end].decode("utf-8", "replace")
            # Only the first line has pairs; events of other kinds have free text after it.
            notices.append(Notice(name, _pairs(payload.partition("\n")[0])))
            self._buffer = self._buffer[end:]
        else:
            # The loop ended for want of a whole first line. Not after `break`: there a known number of bytes is due.
            if len(self._buffer) > HEADER_LONGEST:
                raise ListenerError(f"{len(self._buffer)} bytes without an end of line")
        return notices


def _pairs(line: str) -> dict[str, str]:
    return {key: value for key, _, value in (word.partition(":") for word in line.split())}
