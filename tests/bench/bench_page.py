"""Checking a page of 30 kB, as holder and as asker, against parsing it with the standard library."""

import json
from collections.abc import Callable, Sequence

from node.exchange.references import Bases
from node.exchange.response import Origin, check_page
from node.usecases.load import load_shipped
from node.usecases.model import Step
from tests.bench import record_system
from tests.bench.measure import side_by_side
from tests.bench.result import Result
from tests.bench.setting import Setting

GROUP = "Pages"
TABLE = "home-care-reads-gp-r4"


def step_of_results() -> Step:
    """The step whose page it is."""
    for loaded in load_shipped():
        for table in loaded.usecase.tables:
            found = table.step(record_system.LARGE_STEP) if table.id == TABLE else None
            if found is not None:
                return found
    raise LookupError(record_system.LARGE_STEP)


def check(body: bytes, origin: Origin) -> Callable[[], object]:
    """Return what checks the page."""
    step, bases = step_of_results(), Bases.of(["https://gouwe.example/fhir/gouwe/r4"])

    def work() -> object:
        return check_page(
            body,
            step=step,
            fhir_version="r4",
            patient_ids=frozenset({record_system.PATIENT}),
            bases=bases,
            bsn=record_system.BSN,
            origin=origin,
        )

    return work


async def run(setting: Setting) -> Sequence[Result]:
    """Compare the three."""
    body = record_system.large_page()
    measured = side_by_side(
        {"own": check(body, "own_server"), "peer": check(body, "peer"), "json": lambda: json.loads(body)},
        repetitions=setting.repetitions,
        seconds=setting.seconds / 2,
    )
    parsed = measured["json"].scaled(1e6)
    return [
        Result(
            group=GROUP,
            what=f"A page of {len(body):,} bytes checked, {who}",
            measured=(series := measured[name].scaled(1e6)),
            unit="µs",
            baseline=("json.loads", parsed, "µs"),
            ratio=f"{series.median / parsed.median:.2f} x",
        )
        for who, name in (
            ("as its holder", "own"),
            ("as the asker, who refuses duplicate members too", "peer"),
        )
    ]
