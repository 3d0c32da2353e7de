"""What the embedded contexts make of the terms that credentials of this network use."""

import hashlib
from importlib import resources
from typing import Any

import pytest

from credentials.errors import MalformedError
from credentials.jsonld import contexts
from credentials.jsonld.canonical import canonical_nquads
from credentials.jsonld.contexts import EMBEDDED, embedded

VC = "https://www.w3.org/2018/credentials/v1"
NUTS = "https://nuts.nl/credentials/v1"
NUTS_2024 = "https://nuts.nl/credentials/2024"
STATUS_LIST = "https://w3id.org/vc/status-list/2021/v1"
BITSTRING = "https://www.w3.org/ns/credentials/status/v1"
SCHEMA = "https://schema.org"

CR = "https://www.w3.org/2018/credentials#"
NS = "https://nuts.nl/credentials/v1#"
S = "http://schema.org/"
SL = "https://w3id.org/vc/status-list#"
BS = "https://www.w3.org/ns/credentials/status#"
HOLDER = "did:web:oever.example"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IS_A = f"<{RDF}type>"
DATE = "<http://www.w3.org/2001/XMLSchema#dateTime>"


def quads(*, context: str, type_: str, subject: dict[str, Any], **members: Any) -> set[str]:
    """The statements of a credential, without those every credential has."""
    document = {
        "@context": [VC, context],
        "id": "urn:x:1",
        "type": ["VerifiableCredential", type_],
        "credentialSubject": {"id": HOLDER, **subject},
        **members,
    }
    usual = {
        f"<urn:x:1> <{CR}credentialSubject> <{HOLDER}> .",
        f"<urn:x:1> {IS_A} <{CR}VerifiableCredential> .",
    }
    return set(canonical_nquads(document).decode().splitlines()) - usual


def test_every_embedded_context_is_the_one_that_was_released() -> None:
    names = {name for name, _ in contexts._FILES.values()}
    folder = resources.files("credentials.jsonld") / "embedded"
    assert {file.name for file in folder.iterdir()} == names
    for url in EMBEDDED:
        assert "@context" in embedded(url)
        assert embedded(url) is embedded(url)


def test_an_embedded_context_that_was_altered_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(contexts._FILES, "urn:x:altered", ("nuts-v1.jsonld", hashlib.sha256(b"").hexdigest()))
    with pytest.raises(RuntimeError, match=r"nuts-v1\.jsonld was altered"):
        embedded("urn:x:altered")


def test_a_context_that_is_not_embedded_is_unknown() -> None:
    with pytest.raises(MalformedError, match="not one of the embedded ones"):
        embedded("https://www.w3.org/ns/credentials/v2")


def test_the_members_of_a_credential() -> None:
    found = quads(
        context=STATUS_LIST,
        type_="StatusList2021Credential",
        subject={},
        issuer="did:web:ministry.example",
        issuanceDate="2026-11-22T12:00:00Z",
        expirationDate="2026-12-22T12:00:00+01:00",
        credentialStatus={
            "id": "https://ministry.example/statuslist/1#7",
            "type": "StatusList2021Entry",
            "statusPurpose": "revocation",
            "statusListIndex": "7",
            "statusListCredential": "https://ministry.example/statuslist/1",
        },
    )
    entry = "<https://ministry.example/statuslist/1#7>"
    assert found == {
        f"<urn:x:1> {IS_A} <{SL}StatusList2021Credential> .",
        f"<urn:x:1> <{CR}issuer> <did:web:ministry.example> .",
        f'<urn:x:1> <{CR}issuanceDate> "2026-11-22T12:00:00Z"^^{DATE} .',
        f'<urn:x:1> <{CR}expirationDate> "2026-12-22T12:00:00+01:00"^^{DATE} .',
        f"<urn:x:1> <{CR}credentialStatus> {entry} .",
        f"{entry} {IS_A} <{SL}StatusList2021Entry> .",
        f'{entry} <{SL}statusPurpose> "revocation" .',
        f'{entry} <{SL}statusListIndex> "7" .',
        f"{entry} <{SL}statusListCredential> <https://ministry.example/statuslist/1> .",
    }


ORGANISATION = {"name": "Huisartsenpraktijk De Oever", "city": "Arnhem"}


@pytest.mark.parametrize(
    ("context", "type_", "subject", "expected"),
    [
        (
            NUTS,
            "NutsOrganizationCredential",
            {"organization": ORGANISATION},
            {
                f"<urn:x:1> {IS_A} <{NS}NutsOrganizationCredential> .",
                f"<{HOLDER}> <{S}organization> _:c14n0 .",
                f'_:c14n0 <{S}legalname> "Huisartsenpraktijk De Oever" .',
                f'_:c14n0 <{S}city> "Arnhem" .',
            },
        ),
        (
            NUTS_2024,
            "NutsUraCredential",
            {"organization": {**ORGANISATION, "ura": "00700700"}},
            {
                f"<urn:x:1> {IS_A} <https://nuts.nl/credentials/2024#NutsUraCredential> .",
                f"<{HOLDER}> <{S}organization> _:c14n0 .",
                '_:c14n0 <https://nuts.nl/credentials/2024#ura> "00700700" .',
                f'_:c14n0 <{S}legalname> "Huisartsenpraktijk De Oever" .',
                f'_:c14n0 <{S}city> "Arnhem" .',
            },
        ),
        (
            NUTS,
            "NutsAuthorizationCredential",
            {
                "subject": "urn:oid:1",
                "purposeOfUse": "eOverdracht",
                "resources": {
                    "path": "/Task/1",
                    "operations": ["read", "update"],
                    "userContext": True,
                    "assuranceLevel": "substantial",
                },
                "localParameters": {"b": [1, "x"], "a": True},
            },
            {
                f"<urn:x:1> {IS_A} <{NS}NutsAuthorizationCredential> .",
                f"<{HOLDER}> <{NS}subject> <urn:oid:1> .",
                f'<{HOLDER}> <{NS}purposeOfUse> "eOverdracht" .',
                f"<{HOLDER}> <{NS}resources> _:c14n0 .",
                f'_:c14n0 <{NS}path> "/Task/1" .',
                f'_:c14n0 <{NS}operations> "read" .',
                f'_:c14n0 <{NS}operations> "update" .',
                f'_:c14n0 <{NS}userContext> "true"^^<http://www.w3.org/2001/XMLSchema#boolean> .',
                f'_:c14n0 <{NS}assuranceLevel> "substantial" .',
                f'<{HOLDER}> <{NS}localParameters> "{{\\"a\\":true,\\"b\\":[1,\\"x\\"]}}"^^<{RDF}JSON> .',
            },
        ),
        (
            NUTS,
            "NutsEmployeeCredential",
            {"identifier": "123", "roleName": "01.015", "member": {"type": "EmployeeRole", "initials": "J"}},
            {
                f"<urn:x:1> {IS_A} <{NS}NutsEmployeeCredential> .",
                f'<{HOLDER}> <{S}identifier> "123" .',
                f'<{HOLDER}> <{S}roleName> "01.015" .',
                f"<{HOLDER}> <{S}member> _:c14n0 .",
                f"_:c14n0 {IS_A} <{S}EmployeeRole> .",
                f'_:c14n0 <{S}initials> "J" .',
            },
        ),
        (
            NUTS,
            "DiscoveryRegistrationCredential",
            {"authServerURL": "https://oever.example/oauth2/oever", "anything": 5},
            {
                f"<urn:x:1> {IS_A} <{NS}DiscoveryRegistrationCredential> .",
                f'<{HOLDER}> <{NS}authServerURL> "https://oever.example/oauth2/oever" .',
                f'<{HOLDER}> <{NS}anything> "5"^^<http://www.w3.org/2001/XMLSchema#integer> .',
            },
        ),
        (
            STATUS_LIST,
            "StatusList2021Credential",
            {"type": "StatusList2021", "statusPurpose": "revocation", "encodedList": "H4sI"},
            {
                f"<urn:x:1> {IS_A} <{SL}StatusList2021Credential> .",
                f"<{HOLDER}> {IS_A} <{SL}StatusList2021> .",
                f'<{HOLDER}> <{SL}statusPurpose> "revocation" .',
                f'<{HOLDER}> <{SL}encodedList> "H4sI" .',
            },
        ),
        (
            BITSTRING,
            "BitstringStatusListCredential",
            {"type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": "uH4sI"},
            {
                f"<urn:x:1> {IS_A} <{BS}BitstringStatusListCredential> .",
                f"<{HOLDER}> {IS_A} <{BS}BitstringStatusList> .",
                f'<{HOLDER}> <{BS}statusPurpose> "revocation" .',
                f'<{HOLDER}> <{BS}encodedList> "uH4sI"^^<https://w3id.org/security#multibase> .',
            },
        ),
        (
            SCHEMA,
            "HealthcareProviderCredential",
            {"legalName": "De Oever", "url": "https://oever.example", "foundingDate": "1987-04-01", "taxID": 1.5},
            {
                f"<urn:x:1> {IS_A} <{S}HealthcareProviderCredential> .",
                f'<{HOLDER}> <{S}legalName> "De Oever" .',
                f"<{HOLDER}> <{S}url> <https://oever.example> .",
                f'<{HOLDER}> <{S}foundingDate> "1987-04-01"^^<{S}Date> .',
                f'<{HOLDER}> <{S}taxID> "1.5E0"^^<http://www.w3.org/2001/XMLSchema#double> .',
            },
        ),
    ],
)
def test_the_terms_of_each_type(context: str, type_: str, subject: dict[str, Any], expected: set[str]) -> None:
    assert quads(context=context, type_=type_, subject=subject) == expected


def test_a_revocation_of_the_old_network_has_a_date_of_an_undefined_prefix() -> None:
    document = {
        "@context": [NUTS],
        "type": ["CredentialRevocation"],
        "issuer": "did:nuts:a",
        "subject": "did:nuts:a#1",
        "date": "2022-03-01T16:26:44+01:00",
    }
    assert canonical_nquads(document).decode().splitlines() == [
        f"_:c14n0 {IS_A} <{NS}CredentialRevocation> .",
        f'_:c14n0 <{NS}date> "2022-03-01T16:26:44+01:00"^^<xsd:dateTime> .',
        f"_:c14n0 <{CR}credentialSubject> <did:nuts:a#1> .",
        f"_:c14n0 <{CR}issuer> <did:nuts:a> .",
    ]
