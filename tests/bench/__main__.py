"""Run the benchmarks and write ``docs/benchmarks.md`` (see the package)."""

import argparse
import asyncio
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from examples.region.certificates import prepare_certificates
from examples.region.processes import ROOT, last_words
from tests.bench import (
    bench_ask,
    bench_credential,
    bench_directory,
    bench_discovery,
    bench_disk,
    bench_garbage,
    bench_jsonld,
    bench_loop,
    bench_matching,
    bench_page,
    bench_promise,
    bench_read,
    bench_start,
    bench_token,
    bench_unit,
    bench_verify,
)
from tests.bench.measure import cores, machine, pin
from tests.bench.pair import CACHE, open_pair
from tests.bench.result import Result, page, terminal_line
from tests.bench.setting import Setting

PAGE = ROOT / "docs" / "benchmarks.md"
LIBRARIES = ("aiohttp", "cryptography", "SQLAlchemy", "pydantic", "msgspec", "uvloop")

START = "start"
BENCHMARKS: Mapping[str, Callable[[Setting], Awaitable[Sequence[Result]]]] = {
    "unit": bench_unit.run,
    "verify": bench_verify.run,
    "credential": bench_credential.run,
    "jsonld": bench_jsonld.run,
    "loop": bench_loop.run,
    "matching": bench_matching.run,
    "page": bench_page.run,
    "promise": bench_promise.run,
    "directory": bench_directory.run,
    "read": bench_read.run,
    "ask": bench_ask.run,
    "disk": bench_disk.run,
    "discovery": bench_discovery.run,
    "token": bench_token.run,
    "garbage": bench_garbage.run,
}


def main() -> int:
    """Measure; 0 when every target of the issue is met, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure, and write docs/benchmarks.md.")
    parser.add_argument(
        "names", nargs="*", choices=[[], START, *BENCHMARKS], help="only these; nothing is written then"
    )
    parser.add_argument(
        "--quick", action="store_true", help="shorter repetitions, nothing is written: for a first look"
    )
    options = parser.parse_args()
    began, load = time.monotonic(), os.getloadavg()[0]
    results = asyncio.run(_measure(options.names or (START, *BENCHMARKS), quick=options.quick))
    print(f"measured in {time.monotonic() - began:.0f} s; load average before: {load:.1f}")
    if not options.names and not options.quick:
        text = page(
            results,
            machine=machine(),
            versions=_versions(),
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            load=f"{load:.1f}",
            command="make bench",
        )
        PAGE.write_text(text, encoding="utf-8")
        print(f"written to {PAGE.relative_to(ROOT)}")
    missed = [result for result in results if result.fails]
    if missed:
        print(f"{len(missed)} of the targets not met:")
        for result in missed:
            print(f"  {terminal_line(result)}")
    return 1 if missed else 0


async def _measure(names: Sequence[str], *, quick: bool) -> Sequence[Result]:
    repetitions, seconds = (3, 0.6) if quick else (5, 1.5)
    CACHE.mkdir(parents=True, exist_ok=True)
    certificates = prepare_certificates(CACHE / "certificates", now=datetime.now(UTC))
    results: list[Result] = []
    place = Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))  # on the disk that holds the repository, not in memory
    try:
        if START in names:
            _show(results, await bench_start.run(place / "start", certificates, repetitions=repetitions))
        if any(name in BENCHMARKS for name in names):
            async with open_pair(place / "pair") as pair:
                _, elsewhere = cores()
                pin(os.getpid(), elsewhere)
                setting = Setting(repetitions=repetitions, seconds=seconds, pair=pair, place=place)
                for name, run in BENCHMARKS.items():
                    if name in names:
                        _show(results, await run(setting))
    except BaseException:
        for log in place.rglob("*.log"):
            print(f"{log.name}: {last_words(log)}", file=sys.stderr)
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return results


def _show(results: list[Result], more: Sequence[Result]) -> None:
    for result in more:
        print(terminal_line(result), flush=True)
    results.extend(more)


def _versions() -> str:
    found = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(main())
