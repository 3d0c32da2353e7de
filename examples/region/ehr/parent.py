"""Stop when whoever started us is gone, however they went."""

import asyncio
import os
from collections.abc import Callable

# Where the kernel cannot tell us (no pidfd), we look this often.
LOOK_EVERY_SECONDS = 0.5


def watch_parent(process: int, gone: Callable[[], None]) -> Callable[[], None]:
    """Call ``gone`` once when a process has ended, at once if it already has.

    Must be called with a running event loop. Returns what ends the watch.
    """
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        loop.call_soon(gone)
        return lambda: None
    except (AttributeError, OSError):  # another system, or an old kernel
        return _look_now_and_then(loop, process, gone)

    def stop() -> None:
        if loop.remove_reader(descriptor):
            os.close(descriptor)

    def ended() -> None:
        stop()
        gone()

    loop.add_reader(descriptor, ended)
    return stop


def _look_now_and_then(loop: asyncio.AbstractEventLoop, process: int, gone: Callable[[], None]) -> Callable[[], None]:
    timer: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal timer
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            gone()
            return
        except PermissionError:
            pass  # it is there, and not ours
        timer = loop.call_later(LOOK_EVERY_SECONDS, look)

    def stop() -> None:
        if timer is not None:
            timer.cancel()

    look()
    return stop
