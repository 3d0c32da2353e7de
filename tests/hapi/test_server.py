"""What the launcher promises: a FHIR server that answers, holds what was loaded, and goes when its starter goes."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from examples.region.data import records
from examples.region.hapi import HapiFailedError, HapiInstall, load, start_hapi
from examples.region.hapi.client import send
from examples.region.patients import TRUUS
from tests.hapi.family import ASKED, BSN, BSN_SYSTEM, FAMILY, OBSERVATIONS, OTHER, PAGE
from tests.hapi.pages import entries, next_link, whose

# The first run fetches it all before the first test begins.
pytestmark = [pytest.mark.hapi, pytest.mark.timeout(900)]

REPOSITORY = Path(__file__).parents[2]
END = 10.0  # seconds a server gets to notice that its starter is gone


def test_a_patient_is_found_by_citizen_service_number_in_the_url(hapi_server: str) -> None:
    asked = quote(f"{BSN_SYSTEM}|{BSN[ASKED]}", safe="")
    assert whose(entries(f"{hapi_server}/Patient?identifier={asked}")) == {ASKED}


def test_a_patient_is_found_by_citizen_service_number_in_a_form(hapi_server: str) -> None:
    answer = send("POST", f"{hapi_server}/Patient/_search", form={"identifier": f"{BSN_SYSTEM}|{BSN[OTHER]}"})
    assert answer.status == 200
    assert [entry["resource"]["id"] for entry in answer.body["entry"]] == [OTHER]


def test_a_patient_is_read_under_the_id_it_was_loaded_with(hapi_server: str) -> None:
    answer = send("GET", f"{hapi_server}/Patient/{ASKED}")
    assert answer.status == 200
    assert answer.body["identifier"] == [{"system": BSN_SYSTEM, "value": BSN[ASKED]}]


def test_following_next_gives_every_observation_once(hapi_server: str) -> None:
    first = send("GET", f"{hapi_server}/Observation?patient={ASKED}")
    assert len(first.body["entry"]) == PAGE
    assert next_link(first.body) is not None
    ids = [entry["resource"]["id"] for entry in entries(f"{hapi_server}/Observation?patient={ASKED}")]
    assert len(ids) == len(set(ids)) == OBSERVATIONS


def test_the_search_parameter_that_hapi_lacks_finds_what_was_loaded(hapi_server: str) -> None:
    category = quote("http://snomed.info/sct|422037009", safe="")
    found = entries(f"{hapi_server}/MedicationDispense?patient={ASKED}&category={category}")
    assert whose(found) == {ASKED}


def test_loading_again_changes_nothing(hapi_server: str) -> None:
    load(hapi_server, FAMILY)
    assert send("GET", f"{hapi_server}/Patient/{ASKED}").body["meta"]["versionId"] == "1"


def test_a_refused_load_says_why(hapi_server: str) -> None:
    with pytest.raises(HapiFailedError, match="refused with 400"):
        load(
            hapi_server,
            [{"resourceType": "Patient", "id": "hapi-twice"}, {"resourceType": "Patient", "id": "hapi-twice"}],
        )


def test_the_demo_regions_file_can_be_searched(hapi_r4: str) -> None:
    asked = quote(f"{BSN_SYSTEM}|{TRUUS.bsn}", safe="")
    [patient] = entries(f"{hapi_r4}/Patient?identifier={asked}")
    held = [entry["resource"] for entry in entries(f"{hapi_r4}/Condition?patient={patient['resource']['id']}")]
    assert held


def test_a_taken_port_is_said_at_once(hapi_server: str, hapi_install: HapiInstall, tmp_path: Path) -> None:
    taken = int(hapi_server.split(":")[2].removesuffix("/fhir"))
    log = tmp_path / "logs" / "hapi.log"
    with pytest.raises(HapiFailedError, match="ended while starting"):
        start_hapi(hapi_install, port=taken, log=log)
    assert "already in use" in log.read_text()


def test_an_stu3_server_holds_stu3_and_ends_when_its_starter_is_killed(hapi_install: HapiInstall) -> None:
    command = [sys.executable, "-u", "-m", "examples.region.hapi", "--fhir", "stu3"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as starter:
        try:
            assert starter.stdout is not None
            ready = next(line for line in starter.stdout if "ready on" in line)
            base_url = ready.split("ready on ")[1].split()[0]
            child = int(Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text())
            ended = os.pidfd_open(child)
            # (1) it is what was asked for
            assert send("GET", f"{base_url}/metadata").body["fhirVersion"].startswith("3.0")
            load(base_url, records("gouwe", "stu3"))
            assert len(list(entries(f"{base_url}/Patient"))) >= 1
        finally:
            starter.kill()
    # (2) it is gone
    try:
        readable, _, _ = select.select([ended], [], [], END)
        if not readable:
            os.kill(child, signal.SIGKILL)
        assert readable, "the server outlived its starter"
    finally:
        os.close(ended)
