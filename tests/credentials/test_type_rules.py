"""Rules that nuts-node has for its own types, whoever issued."""

from typing import Any

import pytest

from credentials.errors import UntrustedError
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT, SignedCredential
from credentials.vc.type_rules import check_type_rules
from tests.support.keys import a_did

ORGANIZATION = {"organization": {"name": "De Oever", "city": "Gouda"}}
AUTHORIZATION = {
    "purposeOfUse": "eOverdracht-receiver",
    "resources": [{"path": "/Task/1", "operations": ["read", "UPDATE"]}, {"path": "/x", "operations": "search"}],
}


def a_credential(type_: str, subject: Any, **members: Any) -> SignedCredential:
    document = {
        "@context": [VC_CONTEXT, NUTS_CONTEXT],
        "id": f"{a_did('ministry')}#1",
        "type": ["VerifiableCredential", type_],
        "issuer": a_did("ministry"),
        "issuanceDate": "2026-11-22T12:00:00Z",
        "credentialSubject": {"id": a_did("oever"), **subject},
    }
    return SignedCredential.parse({name: value for name, value in (document | members).items() if value is not None})


@pytest.mark.parametrize(
    ("type_", "subject"),
    [
        ("NutsOrganizationCredential", ORGANIZATION),
        ("NutsAuthorizationCredential", AUTHORIZATION),
        ("NutsAuthorizationCredential", {"purposeOfUse": "x"}),
        ("NobodyKnowsCredential", {}),
    ],
)
def test_what_keeps_the_rules_of_its_type_passes(type_: str, subject: dict[str, Any]) -> None:
    check_type_rules(a_credential(type_, subject))


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ({}, "no purposeOfUse"),
        ({"purposeOfUse": " "}, "no purposeOfUse"),
        ({"purposeOfUse": "x", "resources": ["/Task"]}, "no path"),
        ({"purposeOfUse": "x", "resources": [{"operations": ["read"]}]}, "no path"),
        ({"purposeOfUse": "x", "resources": {"path": "/"}}, "operations"),
        ({"purposeOfUse": "x", "resources": [{"path": "/", "operations": []}]}, "operations"),
        ({"purposeOfUse": "x", "resources": [{"path": "/", "operations": ["read", "steal"]}]}, "operations"),
        ({"purposeOfUse": "x", "resources": [{"path": "/", "operations": [7]}]}, "operations"),
    ],
)
def test_an_authorization_that_says_too_little_is_refused(subject: dict[str, Any], reason: str) -> None:
    with pytest.raises(UntrustedError, match=reason):
        check_type_rules(a_credential("NutsAuthorizationCredential", subject))


@pytest.mark.parametrize("type_", ["NutsOrganizationCredential", "NutsAuthorizationCredential"])
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"id": "urn:uuid:1"}, "id does not start"),
        ({"@context": [VC_CONTEXT]}, "@context lacks"),
        ({"credentialSubject": [{"id": a_did("oever")}, {"id": a_did("oever")}]}, "exactly one subject"),
        ({"credentialSubject": {"purposeOfUse": "x"}}, "exactly one subject"),
    ],
)
def test_a_nuts_type_has_its_issuers_id_its_context_and_one_subject(
    type_: str, members: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UntrustedError, match=reason):
        check_type_rules(a_credential(type_, {**ORGANIZATION, **AUTHORIZATION}, **members))
