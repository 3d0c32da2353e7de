"""``make demo`` beside a running region, from a path with a space, after a crash: told in full, and nothing is left."""

import json
import re
from pathlib import Path

import pytest

from examples.region.display import BAD, GOOD
from examples.region.network import DESCRIPTION, Region
from examples.region.organisations import ORGANISATIONS
from examples.region.patients import PATIENTS
from examples.region.story import LINES
from tests.scenarios.leaks import checkpoint, citizen_numbers, clinical_texts, files_below, leaks_in
from tests.scenarios.marks import SCENARIO
from tests.scenarios.transcript import processes_of, start_region, until_gone
from tests.scenarios.waiting import eventually

pytestmark = [*SCENARIO, pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks in /proc")]


async def test_the_demo_tells_its_story_beside_another_region_and_after_a_crash(region: Region, tmp_path: Path) -> None:
    directory = tmp_path / "a path with a space"
    # (1) a crash in the middle of setting up: the demo is killed, and what it started goes with it
    crashed = await start_region("demo", directory)

    async def a_node_runs() -> bool:
        assert crashed.returncode is None, (await crashed.communicate())[0].decode()
        return any(" serve " in words for words in processes_of(directory))

    await eventually(a_node_runs, seconds=120)
    crashed.kill()
    await crashed.communicate()
    await until_gone(directory)
    # (2) the same again, to the end
    demo = await start_region("demo", directory)
    out, _ = await demo.communicate()
    transcript = out.decode()
    assert demo.returncode == 0, transcript
    # (3) every line was told with its mark and time
    assert BAD not in transcript
    for line in LINES:
        assert f"{line.number:2}  {line.title}" in transcript
    assert len(re.findall(rf"{GOOD} .+  \d+\.\d s$", transcript, re.MULTILINE)) == len(LINES)
    assert "\x1b[" not in transcript
    assert not any(citizen.bsn in transcript for citizen in PATIENTS)
    # (4) nothing is left running, and region.json is gone
    assert processes_of(directory) == []
    assert not (directory / DESCRIPTION).exists()
    # (5) its nodes are stopped: nothing clinical in any byte that they leave
    files = [file for one in ORGANISATIONS for file in files_below(directory / one.key)]
    assert checkpoint(file for file in files if file.suffix == ".db") >= 2 * len(ORGANISATIONS)
    files += [*files_below(directory / "logs"), *files_below(directory / "copies")]
    assert leaks_in([file for file in files if file.exists()], citizen_numbers() | clinical_texts()) == []


async def test_region_json_tells_other_programs_where_everything_is(region: Region) -> None:
    told = json.loads((region.directory / DESCRIPTION).read_text())
    assert set(told) == {"ca", "nodes", "patients"}
    assert [node["key"] for node in told["nodes"]] == [one.key for one in ORGANISATIONS]
    for node in told["nodes"]:
        assert set(node) == {
            "key", "name", "ura", "subject", "public", "internal", "api_key", "config", "data", "log", "pid", "fhir",
            "fhir_control",
        }  # fmt: skip
        assert Path(node["config"]).is_file()
        assert Path(f"/proc/{node['pid']}").exists()


async def test_a_region_refuses_a_directory_that_another_one_uses(region: Region) -> None:
    second = await start_region("demo", region.directory)
    out, _ = await second.communicate()
    assert second.returncode == 1
    assert f"another region is running in {region.directory}" in out.decode()


async def test_a_region_refuses_a_directory_that_holds_other_things(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    refused = await start_region("demo", tmp_path)
    out, _ = await refused.communicate()
    assert refused.returncode == 1
    assert "holds other things" in out.decode()
    assert (tmp_path / "thesis.txt").read_text() == "mine"
