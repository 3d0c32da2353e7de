"""Which use case files count: shipped, narrowed, signed by somebody trusted, pinned; everything else is refused."""

import hashlib
from importlib import resources
from pathlib import Path

import pytest

from credentials.keys import KeyId, SoftwareKey
from node.usecases.difference import differences
from node.usecases.load import UseCaseError, load_chosen, load_shipped, parse_usecase
from node.usecases.narrowing import widenings
from node.usecases.signed import TYP, sign_usecase

TEXT = (resources.files("node.usecases") / "medication.yaml").read_text(encoding="utf-8")
MEDICATION = next(each.usecase for each in load_shipped() if each.usecase.id == "medication")
OWN = TEXT.replace("id: medication\n", "id: wounds\n", 1)
KEY = SoftwareKey.generate(KeyId("signer"))
STRANGER = SoftwareKey.generate(KeyId("stranger"))


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _write(folder: Path, name: str, text: str, signature: str | None = None) -> None:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    if signature is not None:
        (folder / f"{name}.yaml.jws").write_text(signature + "\n", encoding="ascii")


def _refusal(folder: Path, chosen: str, *signers: str) -> UseCaseError:
    with pytest.raises(UseCaseError) as caught:
        load_chosen([chosen], folder, signers)
    assert caught.value.remedy
    return caught.value


class TestPinned:
    def test_a_file_of_ones_own_counts_when_the_operator_pins_it(self, tmp_path: Path) -> None:
        _write(tmp_path, "wounds", OWN)
        (found,) = load_chosen([f"wounds@{_digest(OWN)}"], tmp_path)
        assert found.usecase.id == "wounds"

    def test_without_a_pin_it_is_refused_and_the_remedy_is_the_pin(self, tmp_path: Path) -> None:
        _write(tmp_path, "wounds", OWN)
        assert f"wounds@{_digest(OWN)}" in str(_refusal(tmp_path, "wounds").remedy)

    def test_a_changed_file_no_longer_counts(self, tmp_path: Path) -> None:
        _write(tmp_path, "wounds", OWN + "# changed\n")
        assert "pins" in _refusal(tmp_path, f"wounds@{_digest(OWN)}").message

    def test_a_shipped_file_may_be_pinned_and_another_pin_is_refused(self, tmp_path: Path) -> None:
        (found,) = load_chosen([f"medication@{_digest(TEXT)}"], tmp_path)
        assert found.digest == _digest(TEXT)
        _refusal(tmp_path, "medication@sha256:" + "0" * 64)

    def test_a_pin_lets_a_local_file_widen_a_shipped_one(self, tmp_path: Path) -> None:
        wider = TEXT.replace("purposes: [TREAT]", "purposes: [TREAT, COC]")
        _write(tmp_path, "medication", wider)
        (found,) = load_chosen([f"medication@{_digest(wider)}"], tmp_path)
        assert found.usecase.purposes == ("TREAT", "COC")


class TestSigned:
    def test_a_file_signed_by_somebody_trusted_counts(self, tmp_path: Path) -> None:
        _write(tmp_path, "wounds", OWN, sign_usecase("wounds", _digest(OWN), KEY))
        (found,) = load_chosen(["wounds"], tmp_path, [KEY.public.thumbprint()])
        assert found.digest == _digest(OWN)

    def test_a_stranger_s_signature_is_refused_and_named(self, tmp_path: Path) -> None:
        _write(tmp_path, "wounds", OWN, sign_usecase("wounds", _digest(OWN), STRANGER))
        error = _refusal(tmp_path, "wounds", KEY.public.thumbprint())
        assert STRANGER.public.thumbprint() in error.message

    def test_a_file_changed_after_signing_is_refused(self, tmp_path: Path) -> None:
        _write(tmp_path, "wounds", OWN + "# more\n", sign_usecase("wounds", _digest(OWN), KEY))
        assert "changed" in _refusal(tmp_path, "wounds", KEY.public.thumbprint()).message

    def test_a_signature_over_another_use_case_is_refused(self, tmp_path: Path) -> None:
        _write(tmp_path, "wounds", OWN, sign_usecase("sores", _digest(OWN), KEY))
        _refusal(tmp_path, "wounds", KEY.public.thumbprint())

    @pytest.mark.parametrize(
        "damage", [lambda s: s[:-4] + "AAAA", lambda _: "", lambda _: "a.b.c", lambda s: s.replace(".", "", 1)]
    )
    def test_a_damaged_signature_is_refused(self, tmp_path: Path, damage: object) -> None:
        assert callable(damage)
        _write(tmp_path, "wounds", OWN, damage(sign_usecase("wounds", _digest(OWN), KEY)))
        _refusal(tmp_path, "wounds", KEY.public.thumbprint())

    def test_a_signature_made_for_another_purpose_is_refused(self, tmp_path: Path) -> None:
        from credentials.jws import compact_json, sign_jws

        payload = compact_json({"digest": _digest(OWN), "usecase": "wounds"})
        other = sign_jws({"kid": None, "typ": "JWT", "jwk": KEY.public.to_jwk()}, payload, KEY)
        _write(tmp_path, "wounds", OWN, other)
        assert TYP in _refusal(tmp_path, "wounds", KEY.public.thumbprint()).message


NARROWER = {
    "fewer roles": ("user_roles: [01.000, 01.015,", "user_roles: [01.015,"),
    "fewer bases": ("legal_bases: [care_team, consent]", "legal_bases: [consent]"),
    "fewer askers": ("asker_types: [Z3, V6, G5, J8]", "asker_types: [Z3]"),
    "a shorter deadline": ("deadline_ms: 30000", "deadline_ms: 5000"),
    "more assurance": ("audit_code:", "assurance: high\naudit_code:"),
    "a pilot": ("audit_code:", "pilot: {peers: ['90000101']}\naudit_code:"),
    "another title": ('en: "Medication overview"', "en: What people take"),
    "less on a page": ("        paging: first_page", "        paging: first_page\n        max_matched: 2"),
    "one alternative form less": (
        (
            '          - params:\n              - "patient={patient}"\n'
            '              - "category=http://snomed.info/sct|18629005"\n'
            '              - "_include=MedicationAdministration:medication"\n            forward: send\n'
        ),
        "",
    ),
}
WIDER = {
    "more purposes": ("purposes: [TREAT]", "purposes: [TREAT, COC]", "purposes"),
    "more roles": ("user_roles: [01.000,", "user_roles: [99.999, 01.000,", "user_roles"),
    "more bases": ("legal_bases: [care_team, consent]", "legal_bases: [care_team, consent, agreement]", "legal_bases"),
    "more bases in one direction": (
        "    fhir_version: r4\n", "    fhir_version: r4\n    legal_bases: [agreement]\n", "tables.medication-r4.legal_bases",
    ),
    "more askers": ("asker_types: [Z3,", "asker_types: [T2, Z3,", "tables.medication-r4.asker_types"),
    "another scope": ("wire_scope: medicatieoverdracht-gf", "wire_scope: other", "wire_scope"),
    "another category": ("data_category: GGC013", "data_category: GGC002", "data_category"),
    "other definitions": ("pd_medication_organization", "pd_other", "presentation_definitions"),
    "an emergency": (
        "purposes: [TREAT]\n", "purposes: [TREAT, BTG]\nexistence: revealed\n", "break_the_glass",
    ),
    "another query": ("category=http://snomed.info/sct|373784005", "category=http://snomed.info/sct|1", "steps.dispenses"),
    "one condition less": ('          - "category=http://snomed.info/sct|52711000146108"\n', "", "steps.dispense-requests"),
    "another type back": ("matched: [MedicationDispense]", "matched: [MedicationDispense, Task]", "types.matched"),
    "another include": ("included: [Medication]", "included: [Medication, Patient]", "types.included"),
    "a new step": (
        "      - id: dispenses",
        (
            "      - id: all\n        title: {nl: x, en: x}\n        request: GET Condition\n"
            "        send: ['patient={patient}']\n        types: {matched: [Condition]}\n      - id: dispenses"
        ),
        "steps.all: is new",
    ),
    "a write": (
        "    steps:", "    writes: [{id: w, title: {nl: x, en: x}, request: POST Observation}]\n    steps:", "writes.w: is new",
    ),
    "more grace": ("audit_code:", "when_away: {status_list_grace_ms: 3600000}\naudit_code:", "when_away"),
    "a delegate": (
        "audit_code:", "delegations: [{role: 99.000, on_behalf_of: [01.015], hours: 8}]\naudit_code:", "delegations",
    ),
    "more scopes": ("audit_code:", "scope_policy: passthrough\naudit_code:", "scope_policy"),
}  # fmt: skip


class TestNarrowing:
    @pytest.mark.parametrize("name", NARROWER)
    def test_a_local_file_that_only_narrows_takes_the_place_of_the_shipped_one(self, tmp_path: Path, name: str) -> None:
        old, new = NARROWER[name]
        assert old in TEXT
        text = TEXT.replace(old, new, 1)
        _write(tmp_path, "medication", text)
        (found,) = load_chosen(["medication"], tmp_path)
        assert found.digest == _digest(text)

    @pytest.mark.parametrize("name", WIDER)
    def test_one_that_lets_more_is_refused_at_its_place(self, tmp_path: Path, name: str) -> None:
        old, new, place = WIDER[name]
        assert old in TEXT
        text = TEXT.replace(old, new, 1)
        if name == "an emergency":
            text = text.replace("break_the_glass: not_offered", "break_the_glass: offered")
        _write(tmp_path, "medication", text)
        assert "lets more" in _refusal(tmp_path, "medication").message
        assert any(place in each for each in widenings(MEDICATION, parse_usecase(text.encode(), "x").usecase))

    def test_a_form_that_is_forwarded_as_itself_where_the_shipped_one_sends_another_is_wider(self) -> None:
        text = TEXT.replace("            forward: send\n", "", 1)
        assert text != TEXT
        (found,) = widenings(MEDICATION, parse_usecase(text.encode(), "x").usecase)
        assert found.startswith("tables.medication-r4.steps.dispense-requests: subject=Patient/{patient}&")
        assert found.endswith("is forwarded otherwise")

    def test_every_shipped_file_narrows_itself(self) -> None:
        for loaded in load_shipped():
            assert widenings(loaded.usecase, loaded.usecase) == ()


class TestDifferences:
    def test_nothing_changes_between_a_file_and_itself(self) -> None:
        assert differences(MEDICATION, MEDICATION) == ()

    def test_what_is_new_is_wholly_added(self) -> None:
        found = differences(None, MEDICATION)
        assert {each.kind for each in found} == {"added"}
        assert any("GET MedicationDispense" in each.after for each in found)

    @pytest.mark.parametrize("name", [*NARROWER, *WIDER])
    def test_no_change_stays_hidden(self, name: str) -> None:
        old, new, *_ = (NARROWER | WIDER)[name]
        text = TEXT.replace(old, new, 1)
        if name == "an emergency":
            text = text.replace("break_the_glass: not_offered", "break_the_glass: offered")
        assert differences(MEDICATION, parse_usecase(text.encode(), "x").usecase)
