from datetime import timedelta
from typing import Any

import pytest

from credentials.errors import CredentialError, MalformedError, NotCurrentError, UntrustedError
from credentials.query.matching import NoMatch
from credentials.vc.presentation import RETRACTION_TYPE, SignedPresentation
from registry.admission import Registration, Withdrawal, precheck, rejection_of
from registry.entry import Entry
from registry.errors import RejectedError
from registry.search import properties_of
from tests.support.builders import a_credential, an_x509_credential
from tests.support.keys import a_did
from tests.support.registry import (
    NOW,
    VALIDITY,
    a_registration,
    a_service,
    a_withdrawal,
    about_itself,
    decision,
    id_of,
)

SECOND = timedelta(seconds=1)


def registered(seed: str = "1", **rest: Any) -> Entry:
    return decision(a_registration("oever", seed, **rest))(None, ()).numbered(1)


def refusal(compact: str, current: Entry | None = None, seen: tuple[str, ...] = (), **options: Any) -> str:
    with pytest.raises(RejectedError) as refused:
        decision(compact, **options)(current, seen)
    return refused.value.code


def test_a_registration_is_admitted_with_its_claims_and_parameters() -> None:
    compact = a_registration("oever")
    admitted = decision(compact)(None, ())
    assert isinstance(admitted, Registration)
    assert (admitted.service, admitted.holder, admitted.presentation_id) == ("care", a_did("oever"), id_of("oever"))
    assert admitted.claims == {"role": "example", "auth_server_url": "https://oever.example/oauth2/oever"}
    assert admitted.parameters == {"authServerURL": "https://oever.example/oauth2/oever"}
    assert admitted.proven == frozenset()
    assert admitted.properties == tuple(map(properties_of, SignedPresentation.parse(compact).credentials))


def test_claims_of_a_certificate_are_marked_as_proven() -> None:
    wire = dict(a_service().raw)
    wire["presentation_definition"] = {
        "id": "pd",
        "input_descriptors": [
            {
                "id": "x509",
                "constraints": {
                    "fields": [
                        {"path": ["$.type"], "filter": {"type": "string", "const": "X509Credential"}},
                        {
                            "id": "organization_ura",
                            "path": ["$.credentialSubject[0].san.otherName"],
                            "filter": {"type": "string", "pattern": r"^[0-9.]+-\d+-\d+-S-(\d+)-00\.000-\d+$"},
                        },
                    ]
                },
            },
            {
                "id": "own",
                "constraints": {
                    "fields": [
                        {"path": ["$.type"], "filter": {"type": "string", "const": "DiscoveryRegistrationCredential"}},
                        {"id": "said", "path": ["$.credentialSubject.authServerURL"]},
                    ]
                },
            },
        ],
    }
    compact = a_registration("oever", credentials=[an_x509_credential(now=NOW), about_itself("oever")])
    admitted = decision(compact, service=a_service(**wire))(None, ())
    assert isinstance(admitted, Registration)
    assert admitted.claims["organization_ura"] == "00001111"
    assert admitted.proven == {"organization_ura"}


def test_a_service_that_asks_for_no_parameters_gets_none() -> None:
    wire = dict(a_service().raw["presentation_definition"])
    wire["input_descriptors"] = wire["input_descriptors"][:1]
    service = a_service(presentation_definition=wire)
    admitted = decision(a_registration("oever", credentials=[a_credential(now=NOW)]), service=service)(None, ())
    assert isinstance(admitted, Registration)
    assert admitted.parameters == {}


@pytest.mark.spec("WIRE §2.10.2")
@pytest.mark.parametrize(
    ("compact", "service", "code"),
    [
        (a_registration("oever", audience="other"), {}, "wrong_audience"),
        (a_registration("oever"), {"did_methods": ["key", "jwk"]}, "did_method"),
        (a_registration("oever", now=NOW - VALIDITY), {}, "not_current"),
        (a_registration("oever", lifetime=VALIDITY + 7 * SECOND), {}, "too_long_valid"),
        (
            a_registration("oever", credentials=[a_credential(now=NOW, lifetime=VALIDITY - 5 * SECOND)]),
            {},
            "outlives_credential",
        ),
        (a_registration("oever", extra_types=[RETRACTION_TYPE]), {}, "malformed"),
        (a_registration("oever", extra_claims={"retract_jti": "x"}), {}, "malformed"),
        (
            a_registration("oever", extra_types=[RETRACTION_TYPE], extra_claims={"retract_jti": "x"}),
            {},
            "not_asked_for",
        ),
    ],
)
def test_what_needs_no_keys_is_refused_first(compact: str, service: dict[str, Any], code: str) -> None:
    with pytest.raises(RejectedError) as refused:
        precheck(SignedPresentation.parse(compact), a_service(**service), NOW)
    assert refused.value.code == code


@pytest.mark.parametrize("identifier", ["x" * 1025, "é", "a\0b", "a\nb"])
def test_an_id_that_no_store_should_hold_is_refused(identifier: str) -> None:
    signed = SignedPresentation.parse(a_registration("oever"))
    with pytest.raises(RejectedError) as refused:
        precheck(_with(signed, id=identifier), a_service(), NOW)
    assert refused.value.code == "too_large"


def test_a_holder_that_no_store_should_hold_is_refused() -> None:
    signed = SignedPresentation.parse(a_registration("oever"))
    with pytest.raises(RejectedError) as refused:
        precheck(_with(signed, holder="did:web:" + "x" * 600), a_service(), NOW)
    assert refused.value.code == "too_large"


def _with(signed: SignedPresentation, **changes: Any) -> SignedPresentation:
    return SignedPresentation(**{name: getattr(signed, name) for name in SignedPresentation.__slots__} | changes)


def test_clocks_may_differ_by_five_seconds() -> None:
    assert isinstance(decision(a_registration("oever", lifetime=VALIDITY + 6 * SECOND))(None, ()), Registration)


@pytest.mark.spec("WIRE §2.10.2")
@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ([], "no_match"),
        ([about_itself("oever")], "no_match"),
        ([a_credential(now=NOW)], "no_match"),
        ([a_credential(now=NOW), a_credential(now=NOW, seed="2"), about_itself("oever")], "not_asked_for"),
    ],
)
def test_a_registration_holds_exactly_what_is_asked_for(credentials: list[Any], code: str) -> None:
    assert refusal(a_registration("oever", credentials=credentials)) == code


@pytest.mark.spec("WIRE §2.10.2")
def test_what_was_seen_before_does_not_come_back() -> None:
    assert refusal(a_registration("oever"), registered()) == "replayed"
    assert refusal(a_registration("oever"), None, (id_of("oever"),)) == "replayed"
    assert refusal(a_withdrawal("oever", id_of("oever")), registered(), (id_of("oever", "w"),)) == "replayed"


def test_a_withdrawn_registration_does_not_come_back_even_where_it_was_never_seen() -> None:
    withdrawn = decision(a_withdrawal("oever", id_of("oever")), source="log")(None, ()).numbered(1)
    assert refusal(a_registration("oever"), withdrawn) == "replayed"
    assert refusal(a_withdrawal("oever", id_of("oever")), withdrawn, source="log") == "replayed"
    assert isinstance(decision(a_registration("oever", "2"))(withdrawn, ()), Registration)


def test_a_message_older_than_the_signers_last_is_refused() -> None:
    newest = registered("2", now=NOW)
    assert refusal(a_registration("oever", now=NOW - SECOND), newest) == "older"
    assert isinstance(
        decision(a_registration("oever", now=NOW))(newest, ()), Registration
    )  # times are whole seconds: equal is allowed


@pytest.mark.spec("WIRE §2.10.4")
def test_a_withdrawal_takes_back_what_is_there() -> None:
    admitted = decision(a_withdrawal("oever", id_of("oever")))(registered(), ())
    assert isinstance(admitted, Withdrawal)
    assert admitted.retracts == id_of("oever")
    assert admitted.numbered(7).timestamp == 7


@pytest.mark.spec("WIRE §2.10.4")
def test_a_withdrawal_of_something_else_is_refused() -> None:
    withdrawn = decision(a_withdrawal("oever", id_of("oever")))(registered(), ()).numbered(2)
    for current in (None, withdrawn, registered("2")):
        assert refusal(a_withdrawal("oever", id_of("oever"), "w2"), current) == "unknown_target"
    # A follower may have come too late for the registration, but not when there is a newer one.
    assert isinstance(decision(a_withdrawal("oever", id_of("oever"), "w2"), source="log")(None, ()), Withdrawal)
    assert refusal(a_withdrawal("oever", id_of("oever"), "w2"), registered("2"), source="log") == "unknown_target"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MalformedError("x"), "malformed"),
        (NotCurrentError("x"), "not_current"),
        (UntrustedError("x"), "untrusted"),
        (NoMatch("x", (), ()), "no_match"),
        (CredentialError("x"), "untrusted"),
    ],
)
def test_every_refusal_of_a_credential_has_a_code(error: CredentialError, code: str) -> None:
    rejected = rejection_of(error)
    assert (rejected.code, str(rejected)) == (code, "x")
