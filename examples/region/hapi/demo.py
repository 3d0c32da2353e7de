"""HAPI FHIR as the record system of one organisation of the region, filled with that organisation's data.

``start_hapi_for`` starts this module as a process of its own (``python -m examples.region.hapi.demo``), so that Java, which takes
half a minute, starts beside everything else and ends with its starter, however that ends.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from examples.region.data import records
from examples.region.hapi.hapi import start_hapi
from examples.region.hapi.install import CACHE, HapiError, Progress, ensure_hapi
from examples.region.hapi.loading import load
from examples.region.organisations import Organisation, organisation
from examples.region.processes import Child, StartError, start_child, until_ready

START_SECONDS = 180.0
"""Until it is started and filled: half a minute on two cores that do little else, and there may be two of them."""


async def start_hapi_for(
    one: Organisation, port: int, logs: Path, progress: Progress = print
) -> tuple[Child, dict[str, str]]:
    """Start and fill the server of ``one``; it is ready when this returns.

    Args:
        one: an organisation with a record system.
        port: on 127.0.0.1.
        logs: directory for ``ehr-<key>.log`` and ``hapi-<key>.log``; the latter can quote what is stored.
        progress: told what takes long.

    Returns:
        The process, and the FHIR base URL by version.

    Raises:
        StartError: Java or Maven is not there, or the server did not start.
    """
    try:
        await asyncio.to_thread(ensure_hapi, CACHE, progress)
    except HapiError as error:
        raise StartError(str(error)) from error
    progress(f"starting HAPI FHIR for {one.name}, about half a minute")
    version = one.fhir_versions[0]
    ready = logs / f"hapi-{one.key}.ready"
    child = await start_child(
        f"HAPI FHIR {one.key}",
        [
            sys.executable, "-m", "examples.region.hapi.demo", "--organisation", one.key, "--fhir", version,
            "--port", str(port), "--log", logs / f"hapi-{one.key}.log", "--ready-file", ready,
        ],
        log=logs / f"ehr-{one.key}.log",
    )  # fmt: skip

    async def is_ready() -> bool:
        return ready.exists()

    try:
        await until_ready(child, is_ready, seconds=START_SECONDS)
    except BaseException:
        await child.kill()
        raise
    return child, {str(version): str(json.loads(ready.read_text(encoding="utf-8"))["fhir"][version])}


def main() -> int:
    """Run one filled server until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m examples.region.hapi.demo", description=__doc__)
    parser.add_argument("--organisation", required=True)
    parser.add_argument("--fhir", choices=("r4", "stu3"), required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True, help="what the server itself says")
    parser.add_argument("--ready-file", type=Path, required=True, help="written when it is filled: where it listens")
    chosen = parser.parse_args()
    one = organisation(chosen.organisation)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # leaves the block below, which ends Java
    try:
        with start_hapi(
            ensure_hapi(), fhir=chosen.fhir, port=chosen.port, log=chosen.log, deadline=START_SECONDS
        ) as server:
            load(server.base_url, records(one.key, chosen.fhir))
            unfinished = chosen.ready_file.with_suffix(".unfinished")
            unfinished.write_text(json.dumps({"fhir": {chosen.fhir: server.base_url}}), encoding="utf-8")
            unfinished.replace(chosen.ready_file)
            print(f"{one.name}: filled and ready on {server.base_url}", flush=True)
            while True:
                signal.pause()
    except HapiError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
