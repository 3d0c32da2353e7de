"""Credentials and presentations as JSON-LD: what we make, and how presentations of both dialects are read."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError, UntrustedError
from credentials.fields import parse_json
from credentials.jsonld.contexts import BITSTRING_STATUS_LIST_CONTEXT, JWS_2020_CONTEXT, STATUS_LIST_2021_CONTEXT
from credentials.jsonld.proof import Proof, sign_document, verify_proof
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT, SignedCredential
from credentials.vc.issue import issue_ldp_credential
from credentials.vc.present import present_ldp
from credentials.vc.presentation import MAX_CREDENTIALS, NEVER, SignedPresentation
from tests.support.builders import AUDIENCE, a_credential, an_employee_credential
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key

HOLDER, ISSUER = a_did("oever"), a_did("ministry")
KEY = a_key("oever")
STATUS = {
    "id": "https://ministry.example/statuslist/1#7",
    "type": "StatusList2021Entry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": "https://ministry.example/statuslist/1",
}


def issued(**changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "issuer": ISSUER,
        "subject_id": HOLDER,
        "types": ["NutsOrganizationCredential"],
        "subject": {"organization": {"name": "De Oever", "city": "Arnhem"}},
        "key": a_key("ministry"),
        "credential_id": f"{ISSUER}#1",
        "now": NOW,
        "expires_at": NOW + timedelta(days=1, microseconds=5),
        "contexts": [NUTS_CONTEXT],
    }
    return issue_ldp_credential(**options | changes)


def presented(*credentials: Any, **changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "holder": HOLDER,
        "key": KEY,
        "audience": AUDIENCE,
        "credentials": credentials,
        "nonce": "n-1",
        "presentation_id": f"{HOLDER}#2",
        "now": NOW,
        "expires": NOW + timedelta(seconds=5),
    }
    return present_ldp(**options | changes)


def check(document: Mapping[str, Any], name: str) -> None:
    verify_proof(document, Proof.parse(document), a_key(name).public)


def is_sorted(value: Any) -> bool:
    match value:
        case dict():
            return list(value) == sorted(value) and all(map(is_sorted, value.values()))
        case list():
            return all(map(is_sorted, value))
        case _:
            return True


# --- issuing ---


@pytest.mark.spec("WIRE §2.11.2")
def test_a_credential_has_only_the_members_that_nuts_node_keeps() -> None:
    document = issued(statuses=[STATUS])
    assert document == {
        "@context": [VC_CONTEXT, NUTS_CONTEXT, STATUS_LIST_2021_CONTEXT, JWS_2020_CONTEXT],
        "credentialStatus": STATUS,
        "credentialSubject": {"id": HOLDER, "organization": {"city": "Arnhem", "name": "De Oever"}},
        "expirationDate": (NOW + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "id": f"{ISSUER}#1",
        "issuanceDate": (NOW - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "issuer": ISSUER,
        "proof": document["proof"],
        "type": ["VerifiableCredential", "NutsOrganizationCredential"],
    }
    assert is_sorted(document)
    check(document, "ministry")
    credential = SignedCredential.parse(document)
    assert credential.statuses == (STATUS,)
    assert credential.proof is not None
    assert (credential.format, credential.is_self_attested) == ("ldp_vc", False)
    assert credential.proof.created == credential.issued_at == NOW - timedelta(seconds=1)


def test_a_credential_may_have_no_end_and_several_statuses() -> None:
    bitstring = STATUS | {"id": "https://ministry.example/bits#7", "type": "BitstringStatusListEntry"}
    document = issued(expires_at=None, statuses=[STATUS, bitstring])
    assert "expirationDate" not in document
    assert document["credentialStatus"] == [STATUS, bitstring]
    assert BITSTRING_STATUS_LIST_CONTEXT in document["@context"]
    check(document, "ministry")
    assert SignedCredential.parse(document).statuses == (STATUS, bitstring)


def test_it_is_shown_to_definitions_collapsed() -> None:
    credential = SignedCredential.parse(parse_json(json.dumps(issued(statuses=[STATUS]))))
    view = credential.evaluation_view()
    assert view["credentialSubject"]["organization"]["name"] == "De Oever"
    assert view["type"] == ["VerifiableCredential", "NutsOrganizationCredential"]
    listed = sign_document(
        {**issued(), "credentialSubject": [issued()["credentialSubject"]]}, a_key("ministry"), created=NOW
    )
    assert SignedCredential.parse(listed).evaluation_view()["credentialSubject"] == view["credentialSubject"]


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"subject": {"organization": {"name": "x", "kvk": "1"}}}, MalformedError, "'kvk' is not defined"),
        ({"types": ["UnheardOfCredential"], "subject": {}}, MalformedError, "absolute IRI"),
        ({"contexts": ["https://example.com/context"]}, MalformedError, "not one of the embedded"),
        ({"subject": {"organization": None}}, MalformedError, "null"),
        ({"credential_id": "1"}, MalformedError, "absolute IRI"),
        ({"expires_at": NOW - timedelta(seconds=1)}, ValueError, "before it is issued"),
        ({"types": ["A", "B"]}, ValueError, "at most 2 types"),
    ],
)
def test_what_nobody_would_accept_is_not_issued(changes: dict[str, Any], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        issued(**changes)


# --- presenting ---


@pytest.mark.spec("WIRE §2.5.3")
def test_a_presentation_is_written_as_both_dialects_write_it() -> None:
    credential = issued()
    document = presented(credential)
    assert document == {
        "@context": [VC_CONTEXT, JWS_2020_CONTEXT],
        "holder": HOLDER,
        "id": f"{HOLDER}#2",
        "proof": {
            "challenge": "n-1",
            "created": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "domain": AUDIENCE,
            "expires": (NOW + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "jws": document["proof"]["jws"],
            "nonce": "n-1",
            "proofPurpose": "assertionMethod",
            "type": "JsonWebSignature2020",
            "verificationMethod": KEY.kid,
        },
        "type": "VerifiablePresentation",
        "verifiableCredential": credential,
    }
    assert is_sorted(document)
    check(document, "oever")


def test_credentials_are_passed_on_as_they_came() -> None:
    theirs = {name: issued()[name] for name in reversed(list(issued()))}
    document = presented(theirs, an_employee_credential())
    assert isinstance(document["verifiableCredential"], list)
    assert document["verifiableCredential"][0] is theirs
    check(document, "oever")
    check(document["verifiableCredential"][0], "ministry")


def test_a_vendor_may_say_more_and_leave_out_more() -> None:
    document = (
        presented(
            audience=None,
            nonce=None,
            challenge="c",
            purpose="authentication",
            extra_contexts=[VC_CONTEXT, NUTS_CONTEXT],
        )
        | {}
    )
    assert document["proof"].keys() & {"domain", "nonce"} == set()
    assert (document["proof"]["challenge"], document["proof"]["proofPurpose"]) == ("c", "authentication")
    assert "verifiableCredential" not in document
    check(document, "oever")
    presentation = SignedPresentation.parse(document)
    assert (presentation.audience, presentation.nonce) == ((), "c")
    extra = presented(extra_types=["NutsSelfSignedPresentation"], extra_contexts=[NUTS_CONTEXT])
    assert extra["type"] == ["VerifiablePresentation", "NutsSelfSignedPresentation"]
    check(extra, "oever")


def test_a_jwt_in_a_json_ld_presentation_has_its_own_signature_only() -> None:
    compact = a_credential()
    document = presented(compact)
    check(document, "oever")
    presentation = SignedPresentation.parse(document)
    assert [each.format for each in presentation.credentials] == ["jwt_vc"]
    check({**document, "verifiableCredential": a_credential(seed="another")}, "oever")


def test_a_presentation_that_could_not_be_accepted_is_not_made() -> None:
    with pytest.raises(ValueError, match="not one of the holder"):
        presented(key=a_key("gouwe"))
    with pytest.raises(ValueError, match="at least one second"):
        presented(expires=NOW)
    with pytest.raises(MalformedError, match="is not defined"):
        presented(issued() | {"motto": "x"})


# --- reading ---


def test_a_presentation_is_read() -> None:
    document = presented(issued(), an_employee_credential())
    presentation = SignedPresentation.parse(document)
    assert (presentation.format, presentation.raw) == ("ldp_vp", document)
    assert (presentation.holder, presentation.kid, presentation.id) == (HOLDER, KEY.kid, f"{HOLDER}#2")
    assert (presentation.audience, presentation.nonce) == ((AUDIENCE,), "n-1")
    assert (presentation.issued_at, presentation.expires_at) == (NOW, NOW + timedelta(seconds=5))
    assert (presentation.types, presentation.retract_jti) == (("VerifiablePresentation",), None)
    assert [each.is_self_attested for each in presentation.credentials] == [False, True]
    assert presentation.vp == document
    assert presentation.proof == Proof.parse(document)
    assert presentation.needs_canonicalising
    with pytest.raises(MalformedError, match="not a JWT"):
        _ = presentation.jws


def test_only_who_grants_nothing_reads_what_has_no_end() -> None:
    document = sign_document(presented(), KEY, created=NOW)
    with pytest.raises(MalformedError, match="expires is required"):
        SignedPresentation.parse(document)
    presentation = SignedPresentation.parse(document, open_ended=True)
    assert (presentation.issued_at, presentation.expires_at) == (NOW, NEVER)


def test_one_credential_is_read_with_or_without_an_array() -> None:
    for carried in (issued(), [issued()]):
        document = sign_document(
            {**presented(), "verifiableCredential": carried}, KEY, created=NOW, expires=NOW + timedelta(seconds=5)
        )
        presentation = SignedPresentation.parse(document)
        assert [each.raw for each in presentation.credentials] == [issued_of(document)]
        check(document, "oever")


def issued_of(document: Mapping[str, Any]) -> object:
    carried = document["verifiableCredential"]
    return carried[0] if isinstance(carried, list) else carried


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"holder": a_did("gouwe")}, "holder is not the DID of verificationMethod"),
        ({"holder": {"id": HOLDER}}, "holder is not a text"),
        ({"id": ""}, "id is empty"),
        ({"id": ...}, "id is missing"),
        ({"type": "VerifiableCredential"}, "lacks VerifiablePresentation"),
        ({"@context": [JWS_2020_CONTEXT]}, "@context lacks"),
        ({"@context": [VC_CONTEXT, {"holder": "urn:x"}]}, "array of texts"),
        ({"verifiableCredential": [a_credential()] * (MAX_CREDENTIALS + 1)}, "more than 32"),
        ({"verifiableCredential": [5]}, "neither"),
        ({"proof": ...}, "proof is not an object"),
        ({"proof": []}, "at least one object"),
        ({"proof": presented()["proof"] | {"verificationMethod": "#key-1"}}, "not a DID"),
        ({"proof": {name: value for name, value in presented()["proof"].items() if name != "expires"}}, "required"),
        ({"proof": presented()["proof"] | {"expires": presented()["proof"]["created"]}}, "not after created"),
    ],
)
def test_what_is_no_presentation_is_refused(changes: dict[str, Any], reason: str) -> None:
    document = {name: value for name, value in (presented() | changes).items() if value is not ...}
    with pytest.raises(MalformedError, match=reason):
        SignedPresentation.parse(document)


@pytest.mark.parametrize(
    "changes",
    [
        {"holder": ...},
        {"id": f"{HOLDER}#3"},
        {"verifiableCredential": issued(credential_id=f"{ISSUER}#2")},
        {"verifiableCredential": [issued(), an_employee_credential()]},
        {"verifiableCredential": ...},
        {"type": ["VerifiablePresentation", "VerifiableCredential"]},
    ],
)
def test_a_presentation_that_says_something_else_is_not_what_was_signed(changes: dict[str, Any]) -> None:
    document = {name: value for name, value in (presented(issued()) | changes).items() if value is not ...}
    with pytest.raises(UntrustedError, match="signature does not match"):
        check(document, "oever")


def test_what_an_unsigned_credential_says_of_its_subject_is_covered() -> None:
    employee = an_employee_credential()
    document = presented(employee)
    other = employee | {"credentialSubject": employee["credentialSubject"] | {"roleName": "other"}}
    with pytest.raises(UntrustedError, match="signature does not match"):
        check({**document, "verifiableCredential": other}, "oever")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from([HOLDER, VC_CONTEXT, "VerifiablePresentation", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "type", "proof"]), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["@context", "id", "type", "holder", "verifiableCredential", "proof"]), VALUES))
def test_any_document_is_a_presentation_or_one_error(changes: dict[str, Any]) -> None:
    for document in (changes, presented() | changes, presented() | {"verifiableCredential": issued() | changes}):
        try:
            SignedPresentation.parse(document)
        except MalformedError:
            continue


def test_credentials_of_one_message_are_together_no_larger_than_one_may_be() -> None:
    """Each costs its own canonical form, in the one thread that makes them: 32 large ones took ten seconds."""
    large = issued()
    large["credentialSubject"] = large["credentialSubject"] | {f"x{index}": "y" for index in range(1_000)}
    SignedPresentation.parse(presented(issued(), issued()))
    for value in (
        {"verifiableCredential": [large] * 3},
        {"verifiableCredential": [issued() | {"evidence": ["x"] * 3_000}]},
    ):
        with pytest.raises(MalformedError, match="values in the credentials of one message"):
            SignedPresentation.parse(presented(issued()) | value)
