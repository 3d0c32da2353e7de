"""Use case files: what is shipped loads, what is wrong is said with its path."""

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.query.definition import PresentationDefinition
from node.config.model import Trust
from node.usecases.book import UseCaseBook
from node.usecases.load import LoadedUseCase, UseCaseError, load_shipped, parse_usecase

TEXT = (resources.files("node.usecases") / "medication.yaml").read_text(encoding="utf-8")
ANCHOR = "vdhg746H4rLH67NN1unhdxo6PF3shQunCA4-KQTb2Jc"


def _refusal(text: str) -> UseCaseError:
    with pytest.raises(UseCaseError) as caught:
        parse_usecase(text.encode(), "mine.yaml")
    return caught.value


def test_shipped_files_are_the_pinned_ones() -> None:
    assert [loaded.usecase.id for loaded in load_shipped()] == [
        "360", "acute", "anw", "bglz", "bgz", "care-team", "ggz", "ha-vvt", "lab", "medication", "patient-access", "pzp", "zorginzage",
    ]  # fmt: skip


def test_a_changed_shipped_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.usecases.load.SHIPPED", {"medication": "sha256:" + "0" * 64})
    with pytest.raises(UseCaseError, match="not the file that was shipped"):
        load_shipped()


def test_wire_names_are_those_of_the_field() -> None:
    names = {loaded.usecase.id: loaded.usecase.wire_scope for loaded in load_shipped()}
    assert {name: scope for name, scope in names.items() if name != scope} == {
        "ha-vvt": "HuisartsVVTInzage",
        "medication": "medicatieoverdracht-gf",
        "pzp": "pzp-gf",
        "360": "360-graden",
    }


def test_digest_is_over_the_unfilled_file() -> None:
    once, again = parse_usecase(TEXT.encode(), "a.yaml"), parse_usecase(TEXT.encode(), "b.yaml")
    once.usecase.fill_trust_anchors({"uzi": [ANCHOR]})
    assert once.digest == again.digest
    assert once.digest.startswith("sha256:")


def test_an_unknown_member_is_named_with_path_and_suggestion() -> None:
    error = _refusal(TEXT.replace("        request: GET MedicationRequest", "        requets: GET MedicationRequest"))
    assert error.path == "tables[0].steps[2].requets"
    assert error.remedy == "did you mean request?"


def test_an_unknown_member_at_the_top_is_named() -> None:
    error = _refusal(TEXT + "deadlin_ms: 5\n")
    assert (error.path, error.remedy) == ("deadlin_ms", "did you mean deadline_ms?")


def test_a_missing_member_is_named() -> None:
    error = _refusal(TEXT.replace("wire_scope: medicatieoverdracht-gf\n", ""))
    assert (error.path, error.message) == ("wire_scope", "is missing")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("deadline_ms: 30000", "deadline_ms: 0x10", "whole number"),
        ("deadline_ms: 30000", "deadline_ms: 90000", "at most 60000"),
        ("GET MedicationRequest", "DELETE MedicationRequest", "is not 'GET Type'"),
        ("GET MedicationRequest", "POST MedicationRequest", "POST goes with /_search"),
        ("matched: [Patient]", "matched: [patient]", "FHIR resource type"),
        ("patient: [Patient.id]", "patient: [Flag.id]", "does not come back"),
        ("patient: [Patient.id]", "citizen: [Patient.id]", "bind {patient}"),
        ('- "patient={patient}"', '- "patient={person}"', "about one patient"),
        ("paging: first_page", "paging: follow", "patient match"),
        ("- id: dispenses", "- id: medication-use", "two steps are called"),
        ("purposes: [TREAT]", "purposes: [TREAT, BTG]", "break_the_glass"),
        ("purposes: [TREAT]", "purposes: [FUN]", "TREAT"),
        ("fhir_version: r4", "fhir_version: r5", "'r4' or 'stu3'"),
        ("category=http://snomed.info/sct|422037009", "no equals sign", "not name=value"),
        ("legal_bases: [care_team, consent]", "legal_bases: []", "at least 1"),
        ('"organization": {', '"elsewhere": {', "organization, service_provider or user"),
        ('"id": "pd_medication_organization",', '"id": "a", "id": "b",', "twice"),
    ],
)
def test_what_does_not_hang_together_is_refused(old: str, new: str, why: str) -> None:
    assert old in TEXT
    assert why in _refusal(TEXT.replace(old, new)).message


def test_two_steps_that_accept_the_same_request_are_refused() -> None:
    text = TEXT.replace("GET MedicationDispense", "GET MedicationRequest").replace("422037009", "16076005")
    text = text.replace("MedicationDispense:", "MedicationRequest:")
    assert "accept the same request" in _refusal(text).message


@pytest.mark.parametrize("line", ["id: medication\n", "other: &a x\nagain: *a\n", "title: !!python/name:os.system x\n"])
def test_duplicate_keys_aliases_and_tags_are_refused(line: str) -> None:
    assert _refusal(TEXT + line).path == ""


def test_trust_anchors_become_alternatives_of_the_issuer_pattern() -> None:
    usecase = parse_usecase(TEXT.encode(), "a.yaml").usecase
    assert usecase.anchors == {"uzi"}
    filled = usecase.fill_trust_anchors({"uzi": [ANCHOR, "A" * 43]})
    fields = filled["organization"]["input_descriptors"][0]["constraints"]["fields"]
    assert fields[1]["filter"]["pattern"] == f"^did:x509:0:sha256:(?:{ANCHOR}|{'A' * 43})::.*$"
    assert "{{" not in json.dumps(filled)


@pytest.mark.parametrize("anchors", [{}, {"uzi": []}, {"uzi": [".*"]}, {"uzi": ["A" * 43 + '"']}])
def test_missing_or_odd_trust_anchors_are_refused(anchors: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"trust_anchors\.uzi"):
        parse_usecase(TEXT.encode(), "a.yaml").usecase.fill_trust_anchors(anchors)


def test_one_use_case_may_have_roots_of_its_own() -> None:
    loaded = load_shipped()
    book = UseCaseBook(loaded, {"uzi": [ANCHOR]}, {"medication": {"uzi": ["B" * 43]}})
    found = {scope: str(definition["organization"].to_wire()) for scope, definition in book.definitions.items()}
    assert ANCHOR in found["HuisartsVVTInzage"]
    assert "B" * 43 not in found["HuisartsVVTInzage"]
    assert ANCHOR not in found["medicatieoverdracht-gf"]
    assert "B" * 43 in found["medicatieoverdracht-gf"]


def test_a_file_may_name_other_anchors_than_uzi() -> None:
    loaded = parse_usecase(TEXT.replace("{{uzi}}", "{{dezi}}").encode(), "a.yaml")
    assert loaded.usecase.anchors == {"dezi"}
    trust = Trust.model_validate({"anchors": {"dezi": ["C" * 43]}})
    UseCaseBook([loaded], trust.of_usecase("medication"))
    with pytest.raises(ValueError, match=r"trust_anchors\.dezi is not set"):
        UseCaseBook([loaded], Trust().of_usecase("medication"))


def test_presentation_definitions_name_every_claim_in_both_shapes() -> None:
    for loaded in load_shipped():
        if loaded.usecase.source.not_yet is not None:  # a citizen is nobody's employee
            assert loaded.usecase.id == "patient-access"
            assert "employee" not in loaded.usecase.presentation_definitions
            continue
        definition = loaded.usecase.fill_trust_anchors({"uzi": [ANCHOR]})["organization"]
        assert definition["format"] == {
            "jwt_vp": {"alg": ["ES256"]},
            "jwt_vc": {"alg": ["PS256", "ES256"]},
            "ldp_vc": {"proof_type": ["JsonWebSignature2020"]},
        }
        fields = [f for d in definition["input_descriptors"] for f in d["constraints"]["fields"] if "id" in f]
        assert [f["id"] for f in fields] == [
            "organization_ura",
            "organization_name",
            "organization_city",
            "employee_identifier",
            "employee_name",
            "employee_role",
        ]
        for each in fields:
            array, plain = each["path"]
            assert array.startswith("$.credentialSubject[0].")
            assert plain == array.replace("[0]", "")
        assert fields[0]["filter"]["pattern"] == r"^[0-9.]+-\d+-\d+-S-(\d+)-00\.000-\d+$"


def test_filled_definitions_are_ones_that_we_can_match() -> None:
    for loaded in load_shipped():
        for definition in loaded.usecase.fill_trust_anchors({"uzi": [ANCHOR]}).values():
            people = 1 if loaded.usecase.source.not_yet is None else 0
            assert len(PresentationDefinition.parse(definition).input_descriptors) == 1 + people


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_give_a_use_case_or_the_one_error(body: bytes) -> None:
    try:
        assert isinstance(parse_usecase(body, "x.yaml"), LoadedUseCase)
    except UseCaseError:
        return


@given(st.integers(0, len(TEXT) - 1), st.sampled_from(["", " ", "\n", "[", "{", ":", "&", "*", "é", "\t", "0"]))
def test_a_damaged_file_gives_a_use_case_or_the_one_error(position: int, damage: str) -> None:
    try:
        parse_usecase((TEXT[:position] + damage + TEXT[position + 1 :]).encode(), "x.yaml")
    except UseCaseError:
        return
