from datetime import timedelta

import pytest

from credentials.query.matching import NoMatch
from credentials.vc.credential import SignedCredential
from credentials.vc.presentation import RETRACTION_TYPE, SignedPresentation
from registry.admission import Registration, Withdrawal
from registry.errors import RejectedError
from registry.ports import Registrant
from registry.registration import FreshValues, build_registration, build_withdrawal
from tests.support.builders import a_credential
from tests.support.keys import a_did, a_key
from tests.support.registry import NOW, VALIDITY, a_service, an_authorization_server, decision

FRESH = FreshValues(presentation_uuid="p-uuid", credential_uuid="c-uuid", nonce="n")
SECOND = timedelta(seconds=1)


def a_registrant(*credentials: str) -> Registrant:
    return Registrant(
        did=a_did("oever"),
        key=a_key("oever"),
        credentials=tuple(map(SignedCredential.parse, credentials or (a_credential(now=NOW),))),
        authorization_server=an_authorization_server("oever"),
    )


@pytest.mark.spec("WIRE §2.10.2")
def test_a_registration_is_what_a_host_admits() -> None:
    message = build_registration(a_service(), a_registrant(), {"fhir_base_url_r4": "https://x/r4"}, NOW, FRESH)
    signed = SignedPresentation.parse(message.compact)
    assert signed.id == message.presentation_id == f"{a_did('oever')}#p-uuid"
    assert signed.audience == ("care",)
    assert signed.nonce == "n"
    assert signed.expires_at == message.expires_at == NOW + VALIDITY - SECOND
    assert signed.issued_at == NOW - SECOND
    admitted = decision(message.compact)(None, ()).numbered(1)
    assert admitted.holder == a_did("oever")


@pytest.mark.spec("WIRE §2.10.3")
def test_the_registration_credential_carries_the_parameters() -> None:
    message = build_registration(
        a_service(), a_registrant(), {"fhir_base_url_r4": "https://x/r4", "id": "did:web:other"}, NOW, FRESH
    )
    own = SignedPresentation.parse(message.compact).credentials[1]
    assert own.is_self_attested
    assert own.types == ("VerifiableCredential", "DiscoveryRegistrationCredential")
    assert own.contexts == ("https://www.w3.org/2018/credentials/v1", "https://nuts.nl/credentials/v1")
    assert own.subjects[0] == {
        "authServerURL": "https://oever.example/oauth2/oever",
        "fhir_base_url_r4": "https://x/r4",
        "id": a_did("oever"),
    }
    assert own.id == "c-uuid"


def test_a_vendor_may_name_another_authorization_server() -> None:
    message = build_registration(a_service(), a_registrant(), {"authServerURL": "https://as.example"}, NOW, FRESH)
    assert SignedPresentation.parse(message.compact).credentials[1].subjects[0]["authServerURL"] == "https://as.example"


def test_only_what_is_asked_for_is_shown() -> None:
    wallet = (a_credential(now=NOW, types=["SecretCredential"]), a_credential(now=NOW))
    message = build_registration(a_service(), a_registrant(*wallet), {}, NOW, FRESH)
    shown = SignedPresentation.parse(message.compact).credentials
    assert [each.types[1] for each in shown] == ["ExampleCredential", "DiscoveryRegistrationCredential"]
    definition = dict(a_service().raw["presentation_definition"])
    definition["input_descriptors"] = definition["input_descriptors"][:1]
    message = build_registration(a_service(presentation_definition=definition), a_registrant(*wallet), {}, NOW, FRESH)
    assert len(SignedPresentation.parse(message.compact).credentials) == 1


def test_a_registration_does_not_outlive_a_credential_in_it() -> None:
    wallet = a_credential(now=NOW, lifetime=timedelta(hours=1))
    message = build_registration(a_service(), a_registrant(wallet), {}, NOW, FRESH)
    assert message.expires_at == NOW + timedelta(hours=1)
    assert isinstance(decision(message.compact)(None, ()), Registration)


def test_an_expired_credential_is_passed_over() -> None:
    expired = a_credential(now=NOW - VALIDITY, lifetime=timedelta(hours=1), seed="expired")
    for wallet, fits in (((expired, a_credential(now=NOW)), True), ((expired,), False)):
        if fits:
            message = build_registration(a_service(), a_registrant(*wallet), {}, NOW, FRESH)
            assert isinstance(decision(message.compact)(None, ()), Registration)
        else:
            with pytest.raises(NoMatch) as refused:
                build_registration(a_service(), a_registrant(*wallet), {}, NOW, FRESH)
            assert refused.value.missing == ("example",)


def test_a_service_for_other_identifiers_is_not_bothered() -> None:
    with pytest.raises(RejectedError, match="DID method"):
        build_registration(a_service(did_methods=["key"]), a_registrant(), {}, NOW, FRESH)
    message = build_registration(a_service(did_methods=["web"]), a_registrant(), {}, NOW, FRESH)
    assert message.compact


@pytest.mark.spec("WIRE §2.10.4")
def test_a_withdrawal_names_what_it_takes_back_and_shows_nothing() -> None:
    standing = build_registration(a_service(), a_registrant(), {}, NOW, FRESH)
    current = decision(standing.compact)(None, ()).numbered(1)
    fresh = FreshValues(presentation_uuid="w-uuid", credential_uuid="-", nonce="m")
    message = build_withdrawal(a_service(), a_registrant(), standing.presentation_id, NOW, fresh)
    signed = SignedPresentation.parse(message.compact)
    assert signed.retract_jti == standing.presentation_id
    assert signed.types == ("VerifiablePresentation", RETRACTION_TYPE)
    assert "verifiableCredential" not in signed.vp
    assert isinstance(decision(message.compact)(current, ()), Withdrawal)
