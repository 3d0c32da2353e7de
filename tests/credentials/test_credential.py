"""Reading credentials of both formats, in the shapes of both dialects."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from credentials.errors import MalformedError
from credentials.jsonld.proof import sign_document
from credentials.jws import compact_json, sign_jws
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT, SignedCredential
from tests.support.builders import a_credential, an_employee_credential, an_x509_credential
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key

ISSUER, HOLDER = a_did("ministry"), a_did("oever")
MOMENT = int(NOW.timestamp())
STATUS = {"id": "https://a.example/statuslist/1#5", "type": "StatusList2021Entry"}


def a_vc(**members: Any) -> dict[str, Any]:
    vc = {
        "@context": [VC_CONTEXT],
        "type": ["VerifiableCredential", "ExampleCredential"],
        "credentialSubject": [{"id": HOLDER, "x": 1}],
    } | members
    return {name: value for name, value in vc.items() if value is not None}


def a_jwt(vc: object = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    body = {
        "iss": ISSUER,
        "sub": HOLDER,
        "jti": f"{ISSUER}#1",
        "nbf": MOMENT,
        "vc": a_vc() if vc is None else vc,
    } | claims
    kept = {name: value for name, value in body.items() if value is not None}
    return sign_jws({"typ": "JWT"} if header is None else header, compact_json(kept), a_key("ministry"))


def a_document(**members: Any) -> dict[str, Any]:
    document = (
        a_vc(id=f"{ISSUER}#1", issuer=ISSUER, issuanceDate="2026-10-28T12:00:00Z", credentialSubject={"id": HOLDER})
        | members
    )
    return {name: value for name, value in document.items() if value is not None}


def test_a_jwt_credential_is_read() -> None:
    compact = a_credential(lifetime=timedelta(days=1))
    credential = SignedCredential.parse(compact)
    assert credential.format == "jwt_vc"
    assert credential.raw is compact
    assert credential.issuer == ISSUER
    assert credential.subject_id == HOLDER
    assert credential.types == ("VerifiableCredential", "ExampleCredential")
    assert credential.contexts == (VC_CONTEXT, NUTS_CONTEXT)
    assert credential.issued_at == NOW - timedelta(seconds=1)
    assert credential.expires_at == NOW + timedelta(days=1)
    assert credential.subjects == ({"role": "example", "id": HOLDER},)
    assert credential.statuses == ()
    assert credential.jws is not None
    assert not credential.is_self_attested


def test_a_self_attested_credential_is_read() -> None:
    document = an_employee_credential()
    credential = SignedCredential.parse(document)
    assert credential.format == "ldp_vc"
    assert credential.raw is document
    assert credential.is_self_attested
    assert credential.issuer == credential.subject_id == HOLDER
    assert credential.expires_at is None


def test_a_document_with_a_proof_is_not_self_attested() -> None:
    signed = sign_document(a_document(type="VerifiableCredential"), a_key("ministry"), created=NOW)
    for document in (signed, signed | {"proof": [signed["proof"]]}):
        credential = SignedCredential.parse(document)
        assert (credential.format, credential.raw, credential.has_proof) == ("ldp_vc", document, True)
        assert not credential.is_self_attested
        assert credential.proof is not None
        assert credential.proof.verification_method == a_key("ministry").kid
    assert SignedCredential.parse(a_document()).is_self_attested


@pytest.mark.parametrize(
    "proof", [[], {}, {"type": "JsonWebSignature2020"}, {"type": "DataIntegrityProof"}, "x", 5, False]
)
def test_a_document_with_a_proof_that_can_not_be_read_is_not_taken_for_an_unsigned_one(proof: object) -> None:
    with pytest.raises(MalformedError):
        SignedCredential.parse(a_document(proof=proof))


@pytest.mark.parametrize("many", [True, False])
def test_one_element_may_be_written_with_or_without_an_array(many: bool) -> None:
    def wrap(value: object) -> object:
        return [value] if many else value

    parts = {
        "@context": wrap(VC_CONTEXT),
        "type": wrap("VerifiableCredential"),
        "credentialSubject": wrap({"id": HOLDER}),
        "credentialStatus": wrap(STATUS),
    }
    for credential in (SignedCredential.parse(a_jwt(a_vc(**parts))), SignedCredential.parse(a_document(**parts))):
        assert credential.types == ("VerifiableCredential",)
        assert credential.contexts == (VC_CONTEXT,)
        assert credential.subject_id == HOLDER
        assert credential.statuses == (STATUS,)


@pytest.mark.spec("WIRE §2.11.3")
def test_registered_claims_override_what_the_credential_repeats() -> None:
    vc = a_vc(
        id="another",
        issuer=a_did("linde"),
        issuanceDate="2001-01-01T00:00:00Z",
        expirationDate="2002-01-01T00:00:00Z",
        credentialSubject={"id": a_did("linde"), "x": 1},
    )
    credential = SignedCredential.parse(a_jwt(vc, exp=MOMENT + 60))
    assert (credential.id, credential.issuer, credential.subject_id) == (f"{ISSUER}#1", ISSUER, HOLDER)
    assert credential.issued_at == NOW
    assert credential.expires_at == NOW + timedelta(seconds=60)
    view = credential.evaluation_view()
    assert (view["id"], view["issuer"], view["credentialSubject"]) == (f"{ISSUER}#1", ISSUER, [{"id": HOLDER, "x": 1}])


def test_without_registered_claims_the_credential_speaks() -> None:
    vc = a_vc(
        id="it",
        issuer={"id": ISSUER, "name": "x"},
        issuanceDate="2026-01-01T00:00:00Z",
        expirationDate="2027-01-01T00:00:00Z",
    )
    credential = SignedCredential.parse(a_jwt(vc, iss=None, sub=None, jti=None, nbf=None))
    assert (credential.id, credential.issuer, credential.subject_id) == ("it", ISSUER, HOLDER)
    assert credential.issued_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert credential.expires_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert SignedCredential.parse(a_jwt(nbf=None, iat=MOMENT)).issued_at == NOW


def test_a_subject_is_somebody_only_if_all_subjects_are() -> None:
    both = [{"id": HOLDER, "a": 1}, {"id": HOLDER, "b": 2}]
    assert SignedCredential.parse(a_document(credentialSubject=both)).subject_id == HOLDER
    assert SignedCredential.parse(a_jwt(a_vc(credentialSubject=both))).subjects == tuple(both)
    assert SignedCredential.parse(a_document(credentialSubject=[{"id": HOLDER}, {"b": 2}])).subject_id is None
    assert SignedCredential.parse(a_document(credentialSubject={"a": 1})).subject_id is None


def test_a_jwt_is_evaluated_with_arrays() -> None:
    compact = a_jwt(
        a_vc(type="VerifiableCredential", credentialSubject={"x": 1}, credentialStatus=STATUS, extra=1), exp=MOMENT + 60
    )
    assert SignedCredential.parse(compact).evaluation_view() == {
        "@context": [VC_CONTEXT],
        "id": f"{ISSUER}#1",
        "type": ["VerifiableCredential"],
        "issuer": ISSUER,
        "issuanceDate": "2026-10-28T12:00:00Z",
        "expirationDate": "2026-10-28T12:01:00Z",
        "credentialSubject": [{"id": HOLDER, "x": 1}],
        "credentialStatus": [STATUS],
        "extra": 1,
    }
    bare = SignedCredential.parse(a_jwt()).evaluation_view()
    assert "expirationDate" not in bare
    assert "credentialStatus" not in bare


def test_a_document_is_evaluated_with_single_elements_collapsed() -> None:
    subject = {"id": HOLDER, "x": [1]}
    signed = sign_document(
        a_document(
            **{"@context": [VC_CONTEXT, "https://schema.org"]},
            credentialSubject=[subject],
            type=["VerifiableCredential", "A"],
        ),
        a_key("ministry"),
        created=NOW,
    )
    document = signed | {
        "proof": [signed["proof"]],
        "@context": [VC_CONTEXT],
        "credentialStatus": [STATUS],
        "other": [1],
    }
    before = dict(document)
    view = SignedCredential.parse(document).evaluation_view()
    assert view == document | {
        "@context": VC_CONTEXT,
        "credentialSubject": {"id": HOLDER, "x": [1]},
        "credentialStatus": STATUS,
        "proof": signed["proof"],
    }
    assert document == before


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "neither"),
        (5, "neither"),
        ([], "neither"),
        ("not a JWT", "three parts"),
        (a_jwt(header={"typ": "dpop+jwt"}), "typ"),
        (a_jwt(header={"kid": None}), "kid"),
        (a_jwt("x"), "vc is not an object"),
        (a_jwt(iss="x"), "not a DID"),
        (a_jwt(iss=5), "iss is not a text"),
        (a_jwt(sub="x"), "not a DID"),
        (a_jwt(sub=5), "sub is not a text"),
        (a_jwt(jti=""), "jti is empty"),
        (a_jwt(nbf="x"), "time"),
        (a_jwt(exp=True), "time"),
        (a_jwt(nbf=None), "issuanceDate is missing"),
        (a_jwt(a_vc(credentialSubject=[{"id": HOLDER}, {}])), "sub is not the id of every subject"),
        (a_jwt(a_vc(credentialSubject=[])), "at least one object"),
        (a_jwt(a_vc(credentialSubject=None)), "not an object"),
        (a_jwt(a_vc(type=["VerifiableCredential", "A", "B"])), "at most 2 types"),
        (a_jwt(a_vc(type=["VerifiableCredential", "VerifiableCredential"])), "at most 2 types"),
        (a_jwt(a_vc(type=["A"])), "lacks VerifiableCredential"),
        (a_jwt(a_vc(**{"@context": ["x"]})), "@context lacks"),
        (a_jwt(a_vc(**{"@context": [VC_CONTEXT, {}]})), "array of texts"),
        (a_jwt(a_vc(credentialStatus=[{"id": "x"}])), "type is missing"),
        (a_jwt(a_vc(credentialStatus="x")), "not an object"),
        (a_document(id=""), "id is empty"),
        (a_document(id=None), "id is missing"),
        (a_document(issuer=None), "issuer is missing"),
        (a_document(issuer={"name": "x"}), "id is missing"),
        (a_document(issuanceDate="yesterday"), "RFC 3339"),
        (a_document(expirationDate=5), "expirationDate is not a text"),
        (a_document(credentialSubject={"id": 5}), "id of a subject"),
        (a_document(credentialSubject={"id": "5"}), "not a DID"),
    ],
)
def test_what_is_no_credential_is_refused(value: object, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        SignedCredential.parse(value)


def test_an_empty_status_is_none() -> None:
    assert SignedCredential.parse(a_document(credentialStatus=[])).statuses == ()


def test_the_repr_shows_no_content() -> None:
    shown = repr([SignedCredential.parse(an_employee_credential()), SignedCredential.parse(an_x509_credential())])
    assert "J. de Vries" not in shown
    assert "Gouda:O" in shown  # the issuer's identifier, which every peer sees
    assert "otherName'" not in shown
