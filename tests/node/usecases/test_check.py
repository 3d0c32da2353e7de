"""Every mistake in a use case file is told with its line and what to do about it."""

from importlib import resources

import pytest

from node.usecases.load import UseCaseError, parse_usecase
from node.usecases.schema import usecase_schema

TEXT = (resources.files("node.usecases") / "medication.yaml").read_text(encoding="utf-8")
GENERAL = "compare with a shipped use case: hazel usecase show"


def _refusal(text: str) -> UseCaseError:
    with pytest.raises(UseCaseError) as caught:
        parse_usecase(text.encode(), "mine.yaml")
    return caught.value


def _line(text: str, piece: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("deadline_ms: 30000", "deadline_ms: 0x10", "deadline_ms: 0x10"),
        ("version: 2.0.0", "version: two", "version: two"),
        ("user_roles: [01.000,", "user_roles: [1.0,", "user_roles: [1.0,"),
        ("purposes: [TREAT]", "purposes: [FUN]", "purposes: [FUN]"),
        ("GET MedicationStatement", "GET MedicationStatement/$everything", "- id: medication-use"),
        ("GET MedicationStatement", "PUT MedicationStatement", "- id: medication-use"),
        ("        title: {nl: Patiënt, en: Patient}\n", "", "- id: patient"),
        ("          matched: [Patient]", "          matched: [patient]", "          matched: [patient]"),
        ("data_category: GGC013", "data_category: GGC13", "data_category: GGC13"),
        ("fhir_version: r4", "fhir_version: r5", "fhir_version: r5"),
        ("tables:\n", "tables:\n  - {}\n", "  - {}"),
        ("tables:\n", "again: *a\ntables:\n", "again: *a"),
    ],
)
def test_a_mistake_has_its_line_and_a_remedy(old: str, new: str, at: str) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    error = _refusal(text)
    lines = [each.line for each in error.all if each.line is not None]
    assert _line(text, at) in lines
    assert all(each.remedy for each in error.all)


def test_every_mistake_is_told_at_once_in_the_order_of_the_file() -> None:
    text = TEXT.replace("deadline_ms: 30000", "deadline_ms: soon").replace("purposes: [TREAT]", "purposes: [FUN]")
    text = text.replace("wire_scope:", "wire_scop:").replace("paging: first_page", "paging: sideways", 1)
    told = _refusal(text).all
    assert {"wire_scop", "wire_scope", "purposes[0]", "deadline_ms", "tables[0].steps[0].paging"} <= {
        e.path for e in told
    }
    assert [each.line for each in told] == sorted(each.line or 0 for each in told)


CONTRADICTIONS = {
    "on_request names no purpose": ("on_request: {purposes: [TREAT]}", "on_request: {purposes: [COC]}"),
    "a tier without on_request": ("on_request: {purposes: [TREAT]}\n", ""),
    "existence without a glass": ("audit_code:", "existence: revealed\naudit_code:"),
    "a step longer than the question": ("audit_code:", "step_deadline_ms: 40000\naudit_code:"),
    "a delegation of nobody": ("audit_code:", "delegations: [{role: 99.000, on_behalf_of: [98.000], hours: 12}]\naudit_code:"),
    "a delegation to oneself": ("audit_code:", "delegations: [{role: 01.015, on_behalf_of: [01.015], hours: 12}]\naudit_code:"),
    "a delegation without end": ("audit_code:", "delegations: [{role: 99.000, on_behalf_of: [01.015], hours: 999}]\naudit_code:"),
    "a pilot of nobody": ("audit_code:", "pilot: {}\naudit_code:"),
    "a pilot that names citizens": ("audit_code:", "pilot: {patients: ['999990135']}\naudit_code:"),
    "a day of grace": ("audit_code:", "when_away: {status_list_grace_ms: 90000001}\naudit_code:"),
    "write_back without writes": ("audit_code:", "write_back: proposal\naudit_code:"),
    "an operation": ("GET MedicationStatement", "GET MedicationStatement/$everything"),
    "a write of the patient": ("    steps:", "    writes: [{id: w, title: {nl: x, en: x}, request: POST Patient}]\n    steps:"),
    "a change of what nobody named": (
        "    steps:",
        "    writes: [{id: w, title: {nl: x, en: x}, request: 'PUT Task/{task}'}]\n    steps:",
    ),
    "a write of everything": ("    steps:", "    writes: [{id: w, title: {nl: x, en: x}, request: DELETE Task}]\n    steps:"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_contradicts_itself_is_refused_with_a_way_out(name: str) -> None:
    old, new = CONTRADICTIONS[name]
    assert old in TEXT
    error = _refusal(TEXT.replace(old, new, 1))
    assert error.line is not None or error.path == ""
    assert error.remedy
    assert error.remedy != GENERAL


def test_no_mistake_repeats_what_looks_like_a_citizen_number() -> None:
    error = _refusal(TEXT.replace("audit_code:", "pilot: {patients: ['999990135']}\naudit_code:", 1))
    assert "999990135" not in f"{error} {error.remedy}"


def test_the_schema_knows_every_member_and_no_other() -> None:
    schema = usecase_schema()
    assert set(schema["required"]) <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert "import" in schema["properties"]
    assert "imports" not in schema["properties"]
    assert {"Step", "Table", "Write", "Pilot", "WhenAway", "Delegation", "Merge"} <= set(schema["$defs"])
