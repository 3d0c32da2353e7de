"""Start a record system: ``python -m examples.region.ehr --data DIR --organisation gouwe --fhir r4``.

It listens on 127.0.0.1 only, writes where it is to ``--ready-file`` and to standard output when it is ready, and stops
at once on SIGTERM or SIGINT, or when the process of ``--parent-pid`` ends. Exit codes: 0 stopped, 1 the data is not
sound or the port is taken, 2 wrong usage.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from aiohttp import web

from examples.region.data import AVAILABLE, records
from examples.region.ehr.parent import watch_parent
from examples.region.ehr.records import Records
from examples.region.ehr.server import create_app
from examples.region.ehr.system import RecordSystem
from examples.region.ehr.validation import InvalidDataError, check_all, digest_of, validated_digests
from examples.region.organisations import FhirVersion, organisation

# Answers under way are not waited for: a record system that is told to stop may well be one that says nothing.
SHUTDOWN_SECONDS = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop."""
    parser = _parser()
    options = parser.parse_args(arguments)
    key: str = options.organisation
    versions = cast("tuple[FhirVersion, ...]", tuple(dict.fromkeys(options.fhir or AVAILABLE[key][:1])))
    missing = [one for one in versions if one not in AVAILABLE[key]]
    if missing:
        parser.error(f"{key} keeps no records in FHIR {', '.join(missing)}; there is {', '.join(AVAILABLE[key])}")
    try:
        kept = open_records(options.data, key, versions)
    except InvalidDataError as error:
        print(f"The records of {key} are not sound:\n{error}", file=sys.stderr)
        return 1
    system = RecordSystem(organisation(key), versions, kept, token=options.token)
    try:
        asyncio.run(_serve(system, port=options.port, ready_file=options.ready_file, parent=options.parent_pid))
    except OSError as error:
        print(f"Cannot listen on 127.0.0.1:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        kept.close()
    return 0


def open_records(directory: Path, key: str, versions: Sequence[FhirVersion]) -> Records:
    """Open the records of an organisation, and fill them where they are new or the region's data has changed.

    Args:
        directory: created when absent; holds ``<key>.sqlite3``.
        key: of the organisation.
        versions: which FHIR versions to serve.

    Raises:
        InvalidDataError: the data to be loaded is not sound.
    """
    directory.mkdir(parents=True, exist_ok=True)
    kept = Records(directory / f"{key}.sqlite3")
    for version in versions:
        resources = records(key, version)
        digest = digest_of(resources)
        if kept.loaded_digest(version) != digest:
            if validated_digests().get(f"{key}/{version}") != digest:
                try:
                    check_all(resources, version)
                except InvalidDataError:
                    kept.close()
                    raise
            kept.load(version, resources, digest)
    return kept


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.region.ehr", description="A record system of the region.")
    parser.add_argument("--organisation", required=True, choices=sorted(AVAILABLE))
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="where the records are kept")
    parser.add_argument(
        "--fhir", action="append", choices=("r4", "stu3"), help="FHIR version to serve; may be repeated"
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--ready-file", type=Path, metavar="F", help="written when it is ready: where it listens, as JSON"
    )
    parser.add_argument("--token", help="bearer token that requests must carry (an example: not a secret)")
    parser.add_argument("--parent-pid", type=int, metavar="PID", help="stop when this process ends")
    return parser


async def _serve(system: RecordSystem, *, port: int, ready_file: Path | None, parent: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    end_watch = watch_parent(parent, stop.set) if parent is not None else None
    runner = web.AppRunner(
        create_app(system), access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready = {
            "organisation": system.organisation.key,
            "pid": os.getpid(),
            "fhir": {version: f"{address}/{version}" for version in system.versions},
            "control": f"{address}/control",
        }
        if ready_file is not None:
            _write_whole(ready_file, json.dumps(ready))
        print(json.dumps(ready), flush=True)
        await stop.wait()
    finally:
        if end_watch is not None:
            end_watch()
        await runner.cleanup()
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


def _write_whole(path: Path, text: str) -> None:
    """Whoever waits for the file never sees half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
