"""Status lists as published: both kinds, both formats, and what does not count as one."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials.errors import CredentialError, MalformedError, NotCurrentError, UnavailableError, UntrustedError
from credentials.jsonld.proof import sign_document
from credentials.jws import compact_json, sign_jws
from credentials.keys import KeyId
from credentials.status.build import status_entry
from credentials.status.entry import StatusEntry
from credentials.status.lists import MAX_LIST_DOCUMENT, StatusList, VerifiedStatusList
from credentials.status.verify import verify_status_list
from credentials.vc.credential import VC_CONTEXT
from credentials.vc.evidence import Evidence
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key
from tests.support.status_lists import LIST_URL, a_list_document, sign_list, sign_list_ld

KEYS = {KeyId(a_key(name).kid): a_key(name).public for name in ("ministry", "oever")}
A_PROOF = sign_document({**a_list_document(), "id": "urn:x:1"}, a_key("ministry"), created=NOW)["proof"]
EXAMPLE_OF_THE_SPECIFICATION = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "id": "https://example.com/credentials/status/3",
    "type": ["VerifiableCredential", "BitstringStatusListCredential"],
    "issuer": "did:example:12345",
    "validFrom": "2021-04-05T14:27:40Z",
    "credentialSubject": {
        "id": "https://example.com/status/3#list",
        "type": "BitstringStatusList",
        "statusPurpose": "revocation",
        "encodedList": "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA",
    },
}
"""Example of a list in Bitstring Status List 1.0 §2.2 (W3C Document License)."""


def verified(body: object, *, url: str = LIST_URL, keys: Any = KEYS, now: Any = NOW, **more: Any) -> VerifiedStatusList:
    return verify_status_list(StatusList.parse(body), url=url, evidence=Evidence(keys=keys, **more), now=now)


class TestParse:
    """`StatusList.parse`."""

    @pytest.mark.parametrize("kind", ["StatusList2021", "BitstringStatusList"])
    def test_a_list_of_ours_is_read_back(self, kind: Any) -> None:
        document = a_list_document(revoked=[3], kind=kind)
        signed = sign_list_ld(document)
        for value in (
            signed,
            sign_list(document),
            sign_list(document).encode(),
            json.dumps(sign_list(document)).encode(),
            json.dumps(signed, indent=1).encode(),
        ):
            parsed = StatusList.parse(value)
            assert (parsed.kind, parsed.issuer, parsed.purposes) == (kind, a_did("ministry"), ("revocation",))
            assert LIST_URL in parsed.names
            assert (parsed.issued_at, parsed.expires_at) == (NOW, NOW + timedelta(hours=24))
            assert [parsed.is_set(index) for index in (2, 3, 4)] == [False, True, False]

    def test_the_example_of_the_specification_is_read(self) -> None:
        parsed = StatusList.parse(EXAMPLE_OF_THE_SPECIFICATION | {"proof": A_PROOF})
        assert parsed.names == {"https://example.com/credentials/status/3", "https://example.com/status/3#list"}
        assert parsed.expires_at is None
        assert parsed.ttl is None
        assert not any(parsed.bits)

    @pytest.mark.spec("WIRE §2.13: on the wire credentialSubject is an array of one element")
    def test_the_shape_of_nuts_node_is_read(self) -> None:
        document = sign_list_ld(a_list_document(revoked=[1]))
        document |= {"credentialSubject": [document["credentialSubject"]], "proof": [document["proof"]]}
        assert verified(document).list.is_set(1)

    def test_claims_of_a_jwt_override_what_the_body_says(self) -> None:
        claims = {
            "vc": a_list_document("oever"),
            "iss": a_did("ministry"),
            "jti": "a",
            "sub": "b",
            "nbf": 0,
            "exp": 100,
        }
        parsed = StatusList.parse(sign_jws({}, compact_json(claims), a_key("ministry")))
        assert parsed.issuer == a_did("ministry")
        assert parsed.names == {"a", "b"}
        assert parsed.expires_at is not None
        assert parsed.expires_at.timestamp() == 100

    def test_a_bitstring_list_can_have_several_purposes_and_a_time_to_live(self) -> None:
        document = a_list_document(kind="BitstringStatusList", ttl=timedelta(seconds=30))
        document["credentialSubject"]["statusPurpose"] = ["revocation", "suspension"]
        document["issuer"] = {"id": document["issuer"]}
        parsed = StatusList.parse(sign_list(document))
        assert parsed.purposes == ("revocation", "suspension")
        assert parsed.ttl == timedelta(seconds=30)

    @pytest.mark.parametrize(
        "change",
        [
            {"@context": ["https://nuts.nl/credentials/v1"]},
            {"type": ["VerifiableCredential"]},
            {"type": ["VerifiableCredential", "BitstringStatusListCredential"]},
            {"type": ["VerifiableCredential", "StatusList2021Credential", "More"]},
            {"type": ["VerifiableCredential", "StatusList2021Credential", "VerifiableCredential"]},
            {"credentialStatus": {"id": "x", "type": "StatusList2021Entry"}},
            {"credentialStatus": []},
            {"credentialSubject": []},
            {"credentialSubject": "x"},
            {"issuer": "ministry"},
            {"issuer": {}},
            {"issuanceDate": "yesterday"},
            {"expirationDate": 1},
            {"id": 1},
        ],
        ids=str,
    )
    def test_what_is_not_a_list_is_malformed(self, change: dict[str, Any]) -> None:
        with pytest.raises(MalformedError):
            StatusList.parse(a_list_document() | {"proof": A_PROOF} | change)
        with pytest.raises(MalformedError):
            StatusList.parse(sign_list(a_list_document() | change, model="1.1"))

    @pytest.mark.parametrize(
        "change",
        [
            {"type": "StatusList"},
            {"statusPurpose": []},
            {"encodedList": "x"},
            {"encodedList": None},
            {"ttl": "1"},
            {"id": 1},
        ],
        ids=str,
    )
    def test_its_subject_has_to_be_one_too(self, change: dict[str, Any]) -> None:
        document = a_list_document() | {"proof": A_PROOF}
        document["credentialSubject"] |= change
        with pytest.raises(MalformedError):
            StatusList.parse(document)
        document["credentialSubject"] = [a_list_document()["credentialSubject"]] * 2
        with pytest.raises(MalformedError, match="one subject"):
            StatusList.parse(document)

    @pytest.mark.parametrize("value", [None, 1, [], b"", b"\xff", b"[]", b"null", "x.y.z", b"{", b'{"a":1,"a":1}'])
    def test_other_values_are_malformed(self, value: object) -> None:
        with pytest.raises(MalformedError):
            StatusList.parse(value)

    def test_a_jwt_needs_a_key_id_and_a_fitting_type(self) -> None:
        payload = compact_json({"vc": a_list_document()})
        with pytest.raises(MalformedError, match="kid"):
            StatusList.parse(sign_jws({"kid": None}, payload, a_key("ministry")))
        with pytest.raises(MalformedError, match="typ"):
            StatusList.parse(sign_jws({"typ": "dpop+jwt"}, payload, a_key("ministry")))

    def test_one_that_is_too_long_is_not_read(self) -> None:
        with pytest.raises(MalformedError, match="larger"):
            StatusList.parse(b"{" + b" " * MAX_LIST_DOCUMENT)
        with pytest.raises(MalformedError, match="larger"):
            StatusList.parse("x" * (MAX_LIST_DOCUMENT + 1))


class TestVerify:
    """`verify_status_list`."""

    @pytest.mark.parametrize("kind", ["StatusList2021", "BitstringStatusList"])
    def test_a_signed_list_is_accepted_under_its_address(self, kind: Any) -> None:
        found = verified(sign_list(a_list_document(kind=kind)))
        assert (found.issuer_key, found.as_of) == (a_key("ministry").kid, NOW)

    def test_one_list_is_not_taken_for_another(self) -> None:
        with pytest.raises(UntrustedError, match="not the one"):
            verified(sign_list(a_list_document(url="https://ministry.example/statuslist/2")))

    def test_it_has_to_be_current(self) -> None:
        signed = sign_list(a_list_document())
        with pytest.raises(NotCurrentError):
            verified(signed, now=NOW + timedelta(hours=25))
        with pytest.raises(NotCurrentError):
            verified(signed, now=NOW - timedelta(minutes=1))

    def test_only_its_issuer_signs_it(self) -> None:
        with pytest.raises(UntrustedError, match="not a key of its issuer"):
            verified(sign_list(a_list_document("ministry"), "oever"))
        with pytest.raises(UntrustedError, match="not a known key"):
            verified(sign_list(a_list_document()), keys={})
        with pytest.raises(UnavailableError):
            verified(sign_list(a_list_document()), keys={}, unresolved=frozenset({a_did("ministry")}))

    def test_its_signature_has_to_match(self) -> None:
        head, _, _ = sign_list(a_list_document()).rpartition(".")
        other = sign_list(a_list_document(revoked=[1])).rpartition(".")[2]
        with pytest.raises(UntrustedError, match="signature"):
            verified(f"{head}.{other}")

    def test_an_unsigned_one_is_refused(self) -> None:
        with pytest.raises(MalformedError):
            verified(a_list_document())

    def test_json_ld_is_accepted_when_its_issuer_signed_it(self) -> None:
        found = verified(sign_list_ld(a_list_document(revoked=[4])))
        assert found.issuer_key == a_key("ministry").kid
        assert found.list.is_set(4)
        with pytest.raises(UntrustedError, match="not a key of the issuer"):
            verified(sign_list_ld(a_list_document(), "oever"))
        with pytest.raises(UntrustedError, match="not a known key"):
            verified(sign_list_ld(a_list_document()), keys={})

    def test_the_bits_of_a_json_ld_list_are_signed(self) -> None:
        signed, empty = sign_list_ld(a_list_document(revoked=[4])), a_list_document()
        with pytest.raises(UntrustedError, match="signature"):
            verified(signed | {"credentialSubject": empty["credentialSubject"]})
        without = {**empty, "@context": [VC_CONTEXT]}
        with pytest.raises(CredentialError):  # no context says what encodedList is, so nobody could have signed it
            verified(without | {"proof": signed["proof"]})


FEW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([LIST_URL, a_did("ministry")]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@FEW
@given(
    st.binary(max_size=64)
    | st.text(max_size=64)
    | VALUES
    | st.dictionaries(
        st.sampled_from([*a_list_document(), "proof", "credentialStatus", "validFrom"]), VALUES, max_size=4
    ).map(lambda changes: a_list_document() | {"proof": A_PROOF} | changes)
)
def test_any_value_is_a_list_or_one_error(value: object) -> None:
    try:
        parsed = StatusList.parse(value)
    except CredentialError:
        return
    assert parsed.purposes
    assert not parsed.is_set(0)


@FEW
@given(
    st.dictionaries(
        st.sampled_from(["id", "type", "statusPurpose", "statusListIndex", "statusListCredential", "statusSize"]),
        VALUES,
        max_size=4,
    ).map(lambda changes: status_entry(LIST_URL, 1) | changes)
)
def test_any_object_is_an_entry_or_one_error(value: dict[str, Any]) -> None:
    try:
        entry = StatusEntry.parse(value)
    except CredentialError:
        return
    assert entry is None or entry.url.startswith("https://")
