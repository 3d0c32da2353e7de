"""Our own vectors (``tests/vectors/ours/``): made again they are the same, and each is read, verified and matched here."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from credentials.did.did_x509 import is_x509_did
from credentials.did.document import DIDDocument
from credentials.did.identifier import parse_did
from credentials.errors import UntrustedError
from credentials.keys import KeyId, PublicKey
from credentials.query import PresentationSubmission, fulfil
from credentials.query.definition import PresentationDefinition
from credentials.status.lists import StatusList
from credentials.status.verify import verify_status_list
from credentials.vc.credential import SignedCredential
from credentials.vc.evidence import Evidence
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_credential, verify_presentation
from node.oauth.dpop import check_proof
from registry.messages import ListPage
from tools import make_vectors

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AUDIENCE = "https://wending.example/oauth2/wending"
LONGEST = timedelta(seconds=5)


def text(name: str) -> str:
    return (make_vectors.OURS / name).read_text(encoding="utf-8").removesuffix("\n")


def data(name: str) -> Any:
    return json.loads(text(name))


def keys() -> dict[KeyId, PublicKey]:
    found: dict[KeyId, PublicKey] = {}
    for name in ("did.json", "issuer_did.json"):
        document = data(name)
        found |= DIDDocument.parse(text(name).encode(), expected=parse_did(document["id"])).assertion_keys
    return found


def evidence() -> Evidence:
    signed = StatusList.parse(data("status_list.jsonld"))
    url = make_vectors.LIST_URL
    listed = verify_status_list(signed, url=url, evidence=Evidence(keys=keys()), now=NOW)
    return Evidence(keys=keys(), status_lists={url: listed})


def test_made_again_they_are_the_same() -> None:
    assert make_vectors.differences() == []


def test_a_difference_is_shown_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_vectors, "OURS", tmp_path)
    monkeypatch.setattr(make_vectors, "vectors", lambda: {"a": "made", "b": "x" * 300})
    monkeypatch.setattr("sys.argv", ["make_vectors", "--write"])
    (tmp_path / "old").write_text("not made any more\n")
    assert make_vectors.main() == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b"]
    monkeypatch.setattr("sys.argv", ["make_vectors"])
    assert make_vectors.main() == 0
    (tmp_path / "a").write_text("another\n")
    assert make_vectors.main() == 1
    said = capsys.readouterr().out
    assert "-another" in said
    assert "+made" in said


@pytest.mark.parametrize(
    "name", ["organization_credential.jwt", "organization_credential.jsonld", "x509_credential.jwt"]
)
def test_a_credential_is_verified_and_not_with_another_signature(name: str) -> None:
    raw = data(name) if name.endswith("ld") else text(name)
    credential = SignedCredential.parse(raw)
    verified = verify_credential(credential, evidence(), now=NOW)
    assert verified.credential is credential
    assert is_x509_did(credential.issuer) == name.startswith("x509")
    spoilt = (
        {
            **raw,
            "credentialSubject": {**credential.subjects[0], "organization": {"name": "Another", "city": "Oeverdam"}},
        }
        if isinstance(raw, dict)
        else f"{raw[:-10]}{'A' if raw[-10] != 'A' else 'B'}{raw[-9:]}"
    )
    with pytest.raises(UntrustedError):
        verify_credential(SignedCredential.parse(spoilt), evidence(), now=NOW)


@pytest.mark.spec("WIRE §0")
@pytest.mark.parametrize("name", ["presentation.jwt", "presentation_6.2.jwt", "presentation.jsonld"])
def test_presentations_of_both_dialects_and_formats_are_verified(name: str) -> None:
    signed = SignedPresentation.parse(data(name) if name.endswith("ld") else text(name))
    verified = verify_presentation(signed, evidence(), audience=AUDIENCE, now=NOW, max_lifetime=LONGEST)
    assert [each.credential.id for each in verified.credentials] == [each.id for each in signed.credentials]
    with pytest.raises(UntrustedError):
        verify_presentation(signed, evidence(), audience=f"{AUDIENCE}x", now=NOW, max_lifetime=LONGEST)


@pytest.mark.spec("WIRE §2.15")
def test_the_token_request_answers_the_definition_in_both_shapes() -> None:
    form = dict(parse_qsl(text("token_request.form"), strict_parsing=True))
    definition = PresentationDefinition.parse(data("presentation_definition.json"))
    submission = PresentationSubmission.parse(form["presentation_submission"])
    claims = {"organization_name": "Huisartsenpraktijk De Oever", "employee_identifier": "U-1001"}
    assert form["assertion"] == text("presentation.jwt")
    assert fulfil(definition, submission, SignedPresentation.parse(form["assertion"]), exact=True) == claims
    assert fulfil(definition, None, SignedPresentation.parse(data("presentation.jsonld")), exact=True) == claims


def test_the_status_list_has_two_bits_set_and_the_credential_is_none_of_them() -> None:
    signed = StatusList.parse(data("status_list.jsonld"))
    assert [index for index in (0, 4, 5, 6, 131_070, 131_071) if signed.is_set(index)] == list(make_vectors.REVOKED)
    entry = SignedCredential.parse(text("organization_credential.jwt")).statuses[0]
    assert entry["statusListIndex"] == "4"


def test_the_proof_of_possession_is_for_one_request_and_token() -> None:
    key = next(key for kid, key in keys().items() if kid.startswith(make_vectors.HOLDER))
    proof = check_proof(
        text("dpop_proof.jwt"),
        method="GET",
        url="https://wending.example/fhir/Patient?_count=1",
        now=NOW,
        access_token=make_vectors.TOKEN,
        jkt=key.thumbprint(),
    )
    assert proof.jkt == key.thumbprint()


@pytest.mark.spec("WIRE §2.10")
def test_the_discovery_page_has_a_registration_and_a_withdrawal() -> None:
    page = ListPage.parse(text("discovery_page.json").encode())
    registered, withdrawn = (SignedPresentation.parse(compact) for _, compact in page.entries)
    for each in (registered, withdrawn):
        verify_presentation(each, evidence(), audience="medication", now=NOW)
    assert len(registered.credentials) == 1
    assert withdrawn.credentials == ()
    assert withdrawn.retract_jti is not None
