"""The record systems behind both organisations: those of the demo region, as processes of their own."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from examples.region.processes import start_child, until_ready
from examples.region.running_node import answers
from node.web.client import Client

VERSION = "r4"


@asynccontextmanager
async def run_records(organisation: str, folder: Path, *, port: int, client: Client) -> AsyncIterator[str]:
    """Start the R4 record system of an organisation and yield its base URL; leaving the block stops it."""
    child = await start_child(
        f"record system {organisation}",
        [
            sys.executable, "-m", "examples.region.ehr",
            "--data", folder / "records", "--port", str(port), "--organisation", organisation, "--fhir", VERSION,
        ],
        log=folder / "records.log",
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}/{VERSION}"
    try:
        await until_ready(child, lambda: answers(client, f"{base}/metadata"))
        yield base
    finally:
        await child.stop()
