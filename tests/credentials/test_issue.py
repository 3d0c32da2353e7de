"""What we issue and present, member by member."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from credentials.claims import to_numeric_date
from credentials.did.did_x509 import x509_did
from credentials.encoding import b64url_encode
from credentials.errors import NotCurrentError
from credentials.jws import SignedJWS
from credentials.status.build import status_entry
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT
from credentials.vc.issue import issue_jwt_credential, issue_x509_credential, self_attested
from credentials.vc.present import present_jwt
from tests.support.builders import an_id
from tests.support.certificates import NOT_AFTER, NOT_BEFORE, NOW, a_uzi_chain, uzi_number, x5c_of
from tests.support.keys import a_did, a_key

HOLDER, ISSUER = a_did("oever"), a_did("ministry")
UZI = a_uzi_chain("oever")
MOMENT = to_numeric_date(NOW)


def opened(compact: str) -> tuple[dict[str, Any], dict[str, Any]]:
    jws = SignedJWS.parse(compact, allow=frozenset({"x5c"}))
    return dict(jws.header), json.loads(jws.payload)


def a_credential(**options: Any) -> str:
    arguments: dict[str, Any] = {
        "issuer": ISSUER,
        "subject_id": HOLDER,
        "types": ["ExampleCredential"],
        "subject": {"x": 1},
        "key": a_key("ministry"),
        "credential_id": f"{ISSUER}#1",
        "now": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return issue_jwt_credential(**arguments | options)


def test_a_jwt_credential_is_written_for_both_dialects() -> None:
    header, claims = opened(a_credential(contexts=[NUTS_CONTEXT]))
    assert header == {"alg": "ES256", "typ": "JWT", "kid": a_key("ministry").kid}
    assert claims == {
        "iss": ISSUER,
        "sub": HOLDER,
        "jti": f"{ISSUER}#1",
        "nbf": MOMENT - 1,
        "iat": MOMENT - 1,
        "exp": MOMENT + 3600,
        "vc": {
            "@context": [VC_CONTEXT, NUTS_CONTEXT],
            "type": ["VerifiableCredential", "ExampleCredential"],
            "credentialSubject": [{"x": 1, "id": HOLDER}],
        },
    }


def test_a_jwt_credential_says_where_its_status_is() -> None:
    entry = status_entry("https://ministry.example/statuslist/1", 7)
    _, claims = opened(a_credential(statuses=[entry]))
    assert claims["vc"]["credentialStatus"] == [entry]
    assert "credentialStatus" not in opened(a_credential())[1]["vc"]


def test_a_jwt_credential_may_never_expire_and_carry_certificates() -> None:
    header, claims = opened(a_credential(expires_at=None, x5c=["AAAA"], types=["VerifiableCredential"]))
    assert header["x5c"] == ["AAAA"]
    assert "exp" not in claims
    assert claims["vc"]["type"] == ["VerifiableCredential"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"types": ["A", "B"]}, "at most 2"), ({"expires_at": NOW - timedelta(seconds=1)}, "expire")],
)
def test_what_nobody_would_accept_is_not_issued(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        a_credential(**options)


def test_a_self_attested_credential_has_sorted_keys_and_no_proof() -> None:
    made = self_attested(
        holder=HOLDER,
        types=["NutsEmployeeCredential"],
        subject={"roleName": "x", "member": [{"z": 1, "a": (2,)}]},
        credential_id=an_id("1"),
        now=NOW + timedelta(milliseconds=7),
        contexts=[NUTS_CONTEXT],
    )
    assert made == {
        "@context": [VC_CONTEXT, NUTS_CONTEXT],
        "credentialSubject": {"id": HOLDER, "member": [{"a": [2], "z": 1}], "roleName": "x"},
        "id": an_id("1"),
        "issuanceDate": "2026-10-28T12:00:00Z",
        "issuer": HOLDER,
        "type": ["VerifiableCredential", "NutsEmployeeCredential"],
    }
    assert json.dumps(made) == json.dumps(made, sort_keys=True)


@pytest.mark.spec("WIRE §2.14")
def test_an_x509_credential_names_what_its_certificate_names() -> None:
    header, claims = opened(
        issue_x509_credential(chain=UZI.chain, key=UZI.key, subject_id=HOLDER, credential_id=an_id("1"), now=NOW)
    )
    did = x509_did(UZI.chain)
    assert header == {
        "alg": "PS256",
        "typ": "JWT",
        "kid": f"{did}#0",
        "x5c": x5c_of(UZI.certificates),
        "x5t": b64url_encode(hashlib.sha1(UZI.chain.leaf.der).digest()),
        "x5t#S256": b64url_encode(hashlib.sha256(UZI.chain.leaf.der).digest()),
    }
    assert claims == {
        "iss": did,
        "sub": HOLDER,
        "jti": f"{did}#{an_id('1')}",
        "nbf": MOMENT - 1,
        "exp": to_numeric_date(NOT_AFTER),
        "vc": {
            "@context": [VC_CONTEXT],
            "type": ["VerifiableCredential", "X509Credential"],
            "issuer": did,
            "issuanceDate": "2026-10-28T11:59:59Z",
            "expirationDate": "2029-01-01T00:00:00Z",
            "credentialSubject": {
                "id": HOLDER,
                "san": {"otherName": uzi_number("00001111")},
                "subject": {"L": "Gouda", "O": "Huisartsenpraktijk De Oever"},
            },
        },
    }


def test_an_x509_credential_fits_its_certificate() -> None:
    def issued(**options: Any) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "chain": UZI.chain,
            "key": UZI.key,
            "subject_id": HOLDER,
            "credential_id": "1",
            "now": NOW,
        } | options
        return opened(issue_x509_credential(**arguments))[1]

    assert issued(now=NOT_BEFORE)["nbf"] == to_numeric_date(NOT_BEFORE)
    assert issued(expires_at=NOW + timedelta(days=1))["exp"] == MOMENT + 86_400
    with pytest.raises(ValueError, match="outlive"):
        issued(expires_at=NOT_AFTER + timedelta(seconds=1))
    with pytest.raises(ValueError, match="not that of the certificate"):
        issued(key=a_uzi_chain("linde").key)
    with pytest.raises(NotCurrentError):
        issued(now=NOT_AFTER + timedelta(seconds=1))


def presented(**options: Any) -> str:
    arguments: dict[str, Any] = {
        "holder": HOLDER,
        "key": a_key("oever"),
        "audience": "https://a.example",
        "credentials": ["one"],
        "nonce": "n",
        "presentation_id": "1",
        "now": NOW,
        "lifetime": timedelta(seconds=5),
    }
    return present_jwt(**arguments | options)


@pytest.mark.spec("WIRE §2.5.3")
def test_a_presentation_is_written_like_nuts_nodes_master_does() -> None:
    header, claims = opened(presented())
    assert header == {"alg": "ES256", "typ": "JWT", "kid": a_key("oever").kid}
    assert claims == {
        "iss": HOLDER,
        "sub": HOLDER,
        "jti": "1",
        "aud": ["https://a.example"],
        "nbf": MOMENT - 1,
        "iat": MOMENT - 1,
        "exp": MOMENT + 4,
        "nonce": "n",
        "vp": {"@context": [VC_CONTEXT], "type": ["VerifiablePresentation"], "verifiableCredential": ["one"]},
    }


@pytest.mark.spec("WIRE §2.10.4")
def test_a_presentation_on_a_vendors_word_may_leave_out_for_whom_it_is() -> None:
    _, claims = opened(
        present_jwt(
            holder=HOLDER, key=a_key("oever"), audience=None, credentials=["a"], nonce=None, presentation_id="p",
            now=NOW, lifetime=timedelta(seconds=5), extra_types=["Own"], extra_contexts=[NUTS_CONTEXT],
        )
    )  # fmt: skip
    assert not {"aud", "nonce"} & claims.keys()
    assert claims["vp"]["@context"] == [VC_CONTEXT, NUTS_CONTEXT]
    assert claims["vp"]["type"] == ["VerifiablePresentation", "Own"]


def test_a_retraction_has_no_credentials_member() -> None:
    claims = opened(
        presented(credentials=[], extra_types=["RetractedVerifiablePresentation"], extra_claims={"retract_jti": "0"})
    )[1]
    assert claims["vp"] == {
        "@context": [VC_CONTEXT],
        "type": ["VerifiablePresentation", "RetractedVerifiablePresentation"],
    }
    assert claims["retract_jti"] == "0"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"key": a_key("linde")}, "not one of the holder"),
        ({"lifetime": timedelta(milliseconds=999)}, "at least one second"),
        ({"extra_claims": {"aud": "x"}}, "registered"),
    ],
)
def test_a_presentation_that_nobody_would_accept_is_not_made(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        presented(**options)
