"""Ports for a region: the usual one where it is free, another where it is busy.

A port is busy when something listens there, and also when another region that is just starting has chosen it: every chosen port is
claimed by an abstract socket of its name (Linux), which goes when we go, however we go.
"""

import socket
import sys

STEP = 100
"""From the wanted port to the next one tried: a second region's ports look like the first one's."""

TRIES = 20


class NoFreePortError(Exception):
    """Nothing is free on this machine."""


class FreePorts:
    """Chooses ports on 127.0.0.1 and claims them until :meth:`release`."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []
        self._given: set[int] = set()

    def take(self, wanted: int) -> int:
        """Return a free port: ``wanted`` if possible.

        Raises:
            NoFreePortError: there is none.
        """
        for candidate in (*range(wanted, wanted + TRIES * STEP, STEP), 0):
            port = _bindable(candidate)
            if port is not None and port not in self._given and self._claim(port):
                self._given.add(port)
                return port
        raise NoFreePortError(f"there is no free port near {wanted}")

    def release(self) -> None:
        """Give up all claims."""
        for claim in self._claims:
            claim.close()
        self._claims.clear()

    def _claim(self, port: int) -> bool:
        if sys.platform != "linux":
            return True  # whoever comes second finds out when it wants to listen
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0hazel-region-port-{port}")
        except OSError:
            claim.close()
            return False
        self._claims.append(claim)
        return True


def _bindable(port: int) -> int | None:
    """Return ``port`` (0: any) if somebody could listen there now."""
    with socket.socket() as probe:
        # As servers do: connections of an ended region that linger are not in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return None
        return int(probe.getsockname()[1])
