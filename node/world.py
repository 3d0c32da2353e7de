"""The real world: the system's clock and its source of chance (:class:`node.ports.World` takes them)."""

import asyncio
import secrets
import time
import uuid
from datetime import UTC, datetime


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        await asyncio.sleep(seconds)


class SystemEntropy:
    """The operating system's source of chance."""

    def token(self, n_bytes: int) -> bytes:
        """Return ``n_bytes`` unpredictable bytes."""
        return secrets.token_bytes(n_bytes)

    def uuid(self) -> str:
        """Return a random UUID (version 4) in its text form."""
        return str(uuid.uuid4())
