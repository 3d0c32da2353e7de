"""Nothing clinical is stored, and no citizen number is anywhere: every byte of a region that told its whole story is searched."""

from pathlib import Path

from examples.region.network import Region
from examples.region.organisations import ORGANISATIONS
from examples.region.story import Told
from tests.scenarios.leaks import checkpoint, citizen_numbers, clinical_texts, files_below, leaks_in
from tests.scenarios.marks import SCENARIO

pytestmark = SCENARIO


async def test_what_is_searched_for_is_really_there_in_the_record_systems(region: Region) -> None:
    """The search itself works: in the record systems, where all of it belongs, it finds nearly everything."""
    files = list(files_below(region.directory / "ehr"))
    checkpoint(files)
    together = b"".join(file.read_bytes() for file in files)
    texts, numbers = clinical_texts(), citizen_numbers()
    assert len(texts) > 200
    assert sum(needle in together for needle in texts) > 150
    assert sum(needle in together for needle in numbers) >= 4


async def test_no_node_holds_a_citizen_number_or_anything_clinical(region: Region, told: dict[int, Told]) -> None:
    assert all(each.is_true for each in told.values())
    files = [file for one in ORGANISATIONS for file in files_below(region.directory / one.key)]
    assert checkpoint(file for file in files if file.suffix == ".db") >= 2 * len(ORGANISATIONS)
    assert leaks_in(_now(files), citizen_numbers() | clinical_texts()) == []


async def test_no_log_holds_a_citizen_number_or_anything_clinical(region: Region, told: dict[int, Told]) -> None:
    assert all(each.is_true for each in told.values())
    logs = list(files_below(region.logs))
    assert len([log for log in logs if log.name.startswith("node-")]) == len(ORGANISATIONS)
    assert leaks_in(logs, citizen_numbers() | clinical_texts()) == []


def _now(files: list[Path]) -> list[Path]:
    return [file for file in files if file.exists()]  # a write-ahead log may have gone meanwhile
