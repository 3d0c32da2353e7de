"""The directory that a region lives in: one region at a time, and nothing of anybody else's.

``lock`` is held by the running region and let go by the system when it ends, however it ends. Certificates are kept between runs,
everything else is made anew.
"""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from examples.region.processes import ROOT, StartError

DEFAULT_DIRECTORY = ROOT / ".region"
OTHERS = tuple(ROOT / f".region-{number}" for number in range(2, 10))
LOCK = "lock"
CERTIFICATES = "certificates"


@contextmanager
def hold_place(wanted: Path | None) -> Iterator[Path]:
    """Hold a directory for a region, emptied of what the last one left.

    Args:
        wanted: created when absent; ``None`` takes ``.region``, or ``.region-2`` and so on while that is in use.

    Raises:
        StartError: in use, or it holds something else.
    """
    candidates: Sequence[Path] = [wanted.resolve()] if wanted is not None else [DEFAULT_DIRECTORY, *OTHERS]
    for place in candidates:
        lock = _lock(place)
        if lock is None:
            continue
        with lock:
            _forget_last_run(place)
            yield place
        return
    raise StartError(f"another region is running in {candidates[0]}")


def _lock(place: Path) -> IO[str] | None:
    """Lock ``place``; ``None`` when a region is running there."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not (place / LOCK).exists() and any(place.iterdir()):
            raise StartError(f"{place} holds other things; name a new or empty directory")
        lock = (place / LOCK).open("a", encoding="ascii")
    except OSError as error:
        raise StartError(f"{place} can not be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def _forget_last_run(place: Path) -> None:
    for entry in place.iterdir():
        if entry.name in (LOCK, CERTIFICATES):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
