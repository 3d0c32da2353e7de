"""A new use case is a file: nothing but the file is written, and both sides follow it."""

import hashlib
from pathlib import Path

import pytest

from node.exchange.allowlist import AllowList, ByLogicalId
from node.exchange.interaction import Interaction, NotAllowedError
from node.usecases.book import UseCaseBook
from node.usecases.load import UseCaseError, load_chosen
from node.usecases.plan import choose_table, plan_step

ANCHOR = "A" * 43
NEW = """\
id: wounds
version: 0.1.0
title: {nl: Wonden, en: Wounds}
source: {specification: invented for this test, date: 2026-11-22}
wire_scope: wounds
discovery_service: wounds
purposes: [TREAT]
user_roles: ["30.000"]
legal_bases: [care_team]
data_category: GGC002
deadline_ms: 10000
audit_code: "http://dicom.nema.org/resources/ontology/DCM|110110"
presentation_definitions: |
  {"organization": {"id": "pd_wounds", "input_descriptors": [{"id": "x509", "constraints": {"fields": [
    {"path": ["$.issuer"], "filter": {"type": "string", "pattern": "^did:x509:0:sha256:(?:{{uzi}})::.*$"}}]}}]}}
tables:
  - id: home-care-reads-home-care
    title: {nl: Thuiszorg leest thuiszorg, en: Home care reads home care}
    asker_types: [T2]
    holder_types: [T2]
    fhir_version: r4
    steps:
      - id: patient
        title: {nl: Patient, en: Patient}
        request: POST Patient/_search
        send: ["identifier=http://fhir.nl/fhir/NamingSystem/bsn|{bsn}"]
        binds: {patient: [Patient.id]}
        types: {matched: [Patient]}
        paging: first_page
      - id: wounds
        title: {nl: Wonden, en: Wounds}
        request: GET Condition
        send: ["patient={patient}", "category=http://snomed.info/sct|416462003"]
        types: {matched: [Condition]}
"""


def a_book(folder: Path) -> UseCaseBook:
    (folder / "wounds.yaml").write_text(NEW, encoding="utf-8")
    pinned = f"wounds@sha256:{hashlib.sha256(NEW.encode()).hexdigest()}"
    return UseCaseBook(load_chosen([pinned], folder), {"uzi": [ANCHOR]})


def test_the_asker_sends_what_the_file_says_and_the_holder_lets_just_that_through(tmp_path: Path) -> None:
    usecase = a_book(tmp_path).by_scope("wounds")
    assert usecase is not None
    table = choose_table(usecase, asker_type="T2", holder_type="T2", offered=("r4",))
    assert table is not None
    (request,) = plan_step(table.steps[1], {"patient": ["p1"]})
    path, _, query = request.target.partition("?")
    asked = Interaction.parse(request.method, path, query, None, b"", fhir_version="r4")
    permitted = AllowList(table).permit(asked)
    assert permitted.step.id == "wounds"
    assert permitted.patient == ByLogicalId(id="p1")
    more = Interaction.parse(request.method, path, f"{query}&_include=Condition:asserter", None, b"", fhir_version="r4")
    with pytest.raises(NotAllowedError):
        AllowList(table).permit(more)


def test_its_presentation_definition_trusts_the_operators_roots(tmp_path: Path) -> None:
    definition = a_book(tmp_path).definitions["wounds"]["organization"]
    assert ANCHOR in str(definition.to_wire())


def test_a_use_case_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UseCaseError) as caught:
        load_chosen(["wonds"], tmp_path)
    assert "medication" in str(caught.value.remedy)


def test_a_file_under_another_name_than_its_id_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sores.yaml").write_text(NEW, encoding="utf-8")
    with pytest.raises(UseCaseError, match="wounds"):
        load_chosen(["sores"], tmp_path)
