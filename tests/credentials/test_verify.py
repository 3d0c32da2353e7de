"""The numbered checks: what verification accepts, and what each check refuses."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from credentials.did.did_jwk import did_jwk
from credentials.did.did_key import did_key
from credentials.did.did_x509 import CertificateChain, x509_did
from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import (
    CredentialError,
    MalformedError,
    NotCurrentError,
    RevokedError,
    UnavailableError,
    UntrustedError,
)
from credentials.jsonld.proof import sign_document
from credentials.jws import SignedJWS, compact_json, sign_jws
from credentials.keys import KeyId, SoftwareKey
from credentials.status.build import status_entry
from credentials.unavailable import Unavailable
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT, SignedCredential, VerifiedCredential
from credentials.vc.evidence import Evidence, Needed
from credentials.vc.issue import issue_jwt_credential, issue_ldp_credential, self_attested
from credentials.vc.present import present_ldp
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.verify import check_holder, verify_credential, verify_presentation
from tests.support.builders import (
    AUDIENCE,
    a_credential,
    a_presentation,
    a_release_presentation,
    an_employee_credential,
    an_x509_credential,
    keys_of,
)
from tests.support.certificates import (
    NOT_AFTER,
    NOT_BEFORE,
    NOW,
    a_certificate,
    a_name,
    a_uzi_chain,
    leaf_extensions,
    x5c_of,
)
from tests.support.keys import a_did, a_key, ec_private_key, rsa_private_key
from tests.support.status_lists import LIST_URL, a_credential_with_status, a_verified_list

HOLDER, ISSUER = a_did("oever"), a_did("ministry")
KEYS = keys_of("oever", "ministry")
UZI = a_uzi_chain("oever")
X509 = SignedJWS.parse(an_x509_credential(), allow=frozenset({"x5c"}))
FIVE_SECONDS = timedelta(seconds=5)


def _apart(options: dict[str, Any]) -> tuple[Evidence, dict[str, Any]]:
    """What is found, and what is asked of it."""
    found = {name: options[name] for name in ("unresolved", "status_lists") if name in options}
    asked = {name: value for name, value in options.items() if name not in {*found, "keys"}}
    return Evidence(keys=options.get("keys", KEYS), **found), {"now": NOW} | asked


def verify(compact: object, **options: Any) -> VerifiedPresentation:
    found, asked = _apart(options)
    return verify_presentation(SignedPresentation.parse(compact), found, **({"audience": AUDIENCE} | asked))


def verified(value: object, **options: Any) -> VerifiedCredential:
    found, asked = _apart(options)
    return verify_credential(SignedCredential.parse(value), found, **asked)


def signed(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    return sign_document({**document, "id": "urn:x:1"}, a_key(name), created=NOW)


def an_ld_credential(**changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "issuer": ISSUER,
        "subject_id": HOLDER,
        "types": ["NutsOrganizationCredential"],
        "subject": {"organization": {"name": "De Oever", "city": "Gouda"}},
        "key": a_key("ministry"),
        "credential_id": f"{ISSUER}#1",
        "now": NOW,
        "expires_at": NOW + timedelta(days=1),
        "contexts": [NUTS_CONTEXT],
    }
    return issue_ldp_credential(**options | changes)


def an_ld_presentation(credentials: list[Any]) -> dict[str, Any]:
    return present_ldp(
        holder=HOLDER,
        key=a_key("oever"),
        audience=AUDIENCE,
        credentials=credentials,
        presentation_id=f"{HOLDER}#2",
        now=NOW,
        expires=NOW + FIVE_SECONDS,
        nonce="n-1",
    )


def tampered(compact: str) -> str:
    """The same message with one bit of its signature changed."""
    head, _, signature = compact.rpartition(".")
    flipped = bytearray(b64url_decode(signature))
    flipped[-1] ^= 1
    return f"{head}.{b64url_encode(bytes(flipped))}"


def a_jwt(key: SoftwareKey, header: Mapping[str, Any] | None = None, **vc: Any) -> str:
    body = {"@context": [VC_CONTEXT, NUTS_CONTEXT], "type": ["VerifiableCredential"], "credentialSubject": {}} | vc
    moment = int(NOW.timestamp())
    claims = {"iss": ISSUER, "sub": HOLDER, "jti": f"{ISSUER}#1", "nbf": moment, "exp": moment + 60, "vc": body}
    return sign_jws(header or {}, compact_json(claims), key)


class TestPresentation:
    """`verify_presentation`."""

    @pytest.mark.parametrize("make", [a_presentation, a_release_presentation])
    def test_both_dialects_with_every_kind_of_credential_are_accepted(self, make: Any) -> None:
        carried: list[Any] = [an_x509_credential(), a_credential(), an_employee_credential()]
        found = verify(make(credentials=carried), max_lifetime=FIVE_SECONDS)
        assert [each.issuer_key for each in found.credentials] == [
            f"{x509_did(UZI.chain)}#0",
            a_key("ministry").kid,
            None,
        ]
        assert [each.credential for each in found.credentials] == list(found.presentation.credentials)

    def test_only_documents_of_did_web_parties_are_needed(self) -> None:
        carried: list[Any] = [an_x509_credential(), a_credential(), an_employee_credential()]
        assert Needed.of(SignedPresentation.parse(a_presentation(credentials=carried))).dids == {HOLDER, ISSUER}
        assert Needed.of(SignedPresentation.parse(a_presentation(credentials=[]))).dids == {HOLDER}

    def test_it_has_to_be_for_us(self) -> None:
        compact = a_presentation(audience="https://linde.example")
        with pytest.raises(UntrustedError, match="aud"):
            verify(compact)
        verify(compact, audience="https://linde.example")

    def test_only_who_grants_nothing_looks_at_what_is_for_others(self) -> None:
        verify(a_presentation(audience="https://linde.example"), audience=None)

    def test_the_signature_of_the_holder_can_be_looked_at_alone(self) -> None:
        check_holder(SignedPresentation.parse(a_presentation(audience="x")), Evidence(keys=KEYS), now=NOW)
        with pytest.raises(UntrustedError, match="signature"):
            check_holder(SignedPresentation.parse(tampered(a_presentation())), Evidence(keys=KEYS), now=NOW)

    def test_one_of_its_credentials_that_was_taken_back_spoils_it(self) -> None:
        compact = a_presentation(credentials=[a_credential(), a_credential_with_status(index=3)])
        verify(compact, status_lists={LIST_URL: a_verified_list()})
        with pytest.raises(RevokedError):
            verify(compact, status_lists={LIST_URL: a_verified_list(revoked=[3])})

    def test_it_may_not_live_longer_than_agreed(self) -> None:
        compact = a_presentation(lifetime=timedelta(seconds=6))
        verify(compact)
        with pytest.raises(UntrustedError, match=r"too long \(max 5s\)"):
            verify(compact, max_lifetime=FIVE_SECONDS)

    def test_it_has_to_be_current(self) -> None:
        with pytest.raises(NotCurrentError, match="not valid yet"):
            verify(a_presentation(), now=NOW - timedelta(seconds=7))
        with pytest.raises(NotCurrentError, match="expired"):
            verify(a_presentation(), now=NOW + timedelta(seconds=9))
        verify(a_presentation(), now=NOW + timedelta(seconds=8))

    def test_its_credentials_have_to_be_about_the_holder(self) -> None:
        with pytest.raises(UntrustedError, match="not the holder"):
            verify(a_presentation(credentials=[a_credential("linde")]))
        with pytest.raises(UntrustedError, match="not the holder"):
            verify(a_presentation(credentials=[an_employee_credential("linde")]))
        nobody = an_employee_credential() | {"credentialSubject": {"name": "x"}}
        with pytest.raises(UntrustedError, match="not the holder"):
            verify(a_presentation(credentials=[nobody]))

    def test_nobody_attests_for_another(self) -> None:
        with pytest.raises(UntrustedError, match="not issued by the holder"):
            verify(a_presentation(credentials=[an_employee_credential() | {"issuer": ISSUER}]))

    def test_its_key_has_to_be_one_of_the_holder(self) -> None:
        with pytest.raises(UntrustedError, match="not a known key"):
            verify(a_presentation(key=a_key("oever", "key-2")))
        with pytest.raises(UntrustedError, match="signature"):
            verify(a_presentation(), keys=KEYS | {a_key("oever").kid: a_key("linde").public})
        with pytest.raises(UntrustedError, match="alg does not fit"):
            verify(a_presentation(), keys=KEYS | {a_key("oever").kid: UZI.key.public})

    def test_its_signature_has_to_match(self) -> None:
        with pytest.raises(UntrustedError, match="signature"):
            verify(tampered(a_presentation()))

    def test_every_credential_has_to_hold(self) -> None:
        for bad in (tampered(a_credential()), tampered(an_x509_credential())):
            with pytest.raises(UntrustedError, match="signature"):
                verify(a_presentation(credentials=[a_credential(), bad]))
        with pytest.raises(NotCurrentError):
            verify(a_presentation(credentials=[an_employee_credential() | {"expirationDate": "2026-01-01T00:00:00Z"}]))
        with pytest.raises(UntrustedError, match="type that is not supported"):
            verify(
                a_presentation(credentials=[an_employee_credential() | {"credentialStatus": {"id": "x", "type": "y"}}])
            )

    def test_a_jwt_whose_issuer_is_the_holder_is_verified_like_any_other(self) -> None:
        verify(a_presentation(credentials=[a_credential(issuer="oever")]))
        with pytest.raises(UntrustedError, match="signature"):
            verify(a_presentation(credentials=[tampered(a_credential(issuer="oever"))]))

    def test_json_ld_is_verified_with_everything_it_carries(self) -> None:
        carried: list[Any] = [an_x509_credential(), a_credential(), an_ld_credential(), an_employee_credential()]
        for found in (verify(an_ld_presentation(carried)), verify(a_presentation(credentials=carried))):
            assert [each.issuer_key for each in found.credentials] == [
                f"{x509_did(UZI.chain)}#0",
                a_key("ministry").kid,
                a_key("ministry").kid,
                None,
            ]

    def test_json_ld_has_to_be_for_us_current_and_whole(self) -> None:
        good = an_ld_presentation([an_ld_credential()])
        with pytest.raises(UntrustedError, match="aud"):
            verify(good, audience="https://linde.example")
        with pytest.raises(NotCurrentError):
            verify(good, now=NOW + timedelta(seconds=11))
        with pytest.raises(NotCurrentError):
            verify(good, now=NOW - timedelta(seconds=6))
        with pytest.raises(UntrustedError, match="signature"):
            verify(good | {"id": f"{HOLDER}#another"})
        with pytest.raises(UntrustedError, match="signature"):
            verify(
                good | {"proof": good["proof"] | {"domain": "https://linde.example"}}, audience="https://linde.example"
            )
        with pytest.raises(UntrustedError, match="not a known key"):
            verify(good, keys=keys_of("ministry"))
        with pytest.raises(UnavailableError):
            verify(good, keys=keys_of("ministry"), unresolved=frozenset({HOLDER}))
        with pytest.raises(NotCurrentError):
            check_holder(SignedPresentation.parse(good), Evidence(keys=KEYS), now=NOW + timedelta(seconds=11))

    def test_a_self_attested_credential_may_be_signed_by_its_holder_all_the_same(self) -> None:
        found = verify(a_presentation(credentials=[signed(an_employee_credential(), "oever")]))
        assert [each.issuer_key for each in found.credentials] == [a_key("oever").kid]

    def test_nobody_is_an_organisation_by_its_own_word(self) -> None:
        claimed = self_attested(
            holder=HOLDER, types=["X509Credential"], subject={}, credential_id="1", now=NOW, contexts=()
        )
        with pytest.raises(UntrustedError, match="not a JWT of a did:x509"):
            verify(a_presentation(credentials=[claimed]))

    def test_without_credentials_it_is_still_signed(self) -> None:
        assert verify(a_presentation(credentials=[])).credentials == ()


class TestCredential:
    """`verify_credential`."""

    def test_a_jwt_of_a_did_web_is_accepted(self) -> None:
        assert verified(a_credential()).issuer_key == a_key("ministry").kid

    def test_an_unsigned_one_is_refused(self) -> None:
        with pytest.raises(UntrustedError, match="not signed"):
            verified(an_employee_credential())

    def test_it_has_to_be_current(self) -> None:
        with pytest.raises(NotCurrentError):
            verified(a_credential(lifetime=timedelta(days=1)), now=NOW + timedelta(days=1, seconds=6))
        with pytest.raises(NotCurrentError):
            verified(a_credential(), now=NOW - timedelta(seconds=7))

    def test_its_key_has_to_be_one_of_the_issuer(self) -> None:
        with pytest.raises(UntrustedError, match="not a key of its issuer"):
            verified(a_jwt(a_key("oever")))
        with pytest.raises(UntrustedError, match="not a key of its issuer"):
            verified(a_jwt(a_key("ministry"), {"kid": ""}))
        with pytest.raises(UntrustedError, match="not a known key"):
            verified(a_jwt(a_key("ministry", "old")))

    def test_it_stands_as_long_as_its_status_list_says_so(self) -> None:
        compact = a_credential_with_status(index=7)
        verified(compact, status_lists={LIST_URL: a_verified_list(revoked=[6])})
        with pytest.raises(RevokedError):
            verified(compact, status_lists={LIST_URL: a_verified_list(revoked=[7])})
        with pytest.raises(UnavailableError):
            verified(compact)
        with pytest.raises(UnavailableError):
            verified(compact, status_lists={LIST_URL: Unavailable("timeout")})

    def test_it_is_refused_for_now_when_the_document_of_its_issuer_is_out_of_reach(self) -> None:
        with pytest.raises(UnavailableError):
            verified(a_credential(), keys={}, unresolved=frozenset({ISSUER}))

    @pytest.mark.parametrize("method", [did_key, did_jwk])
    def test_an_identifier_that_is_a_key_needs_no_document(self, method: Any) -> None:
        issuer = method(a_key("ministry").public)
        fragment = issuer.removeprefix("did:key:") if method is did_key else "0"
        key = SoftwareKey(KeyId(f"{issuer}#{fragment}"), ec_private_key("ministry#key-1"))
        compact = issue_jwt_credential(
            issuer=issuer,
            subject_id=HOLDER,
            types=[],
            subject={},
            key=key,
            credential_id="1",
            now=NOW,
            expires_at=None,
        )
        assert Needed.of(SignedCredential.parse(compact)).dids == frozenset()
        assert verified(compact, keys={}).issuer_key == key.kid
        with pytest.raises(UntrustedError, match="signature"):
            verified(tampered(compact), keys={})

    def test_json_ld_of_a_did_web_is_accepted(self) -> None:
        assert verified(an_ld_credential()).issuer_key == a_key("ministry").kid
        with pytest.raises(RevokedError):
            verified(
                an_ld_credential(statuses=[status_entry(LIST_URL, 7)]),
                status_lists={LIST_URL: a_verified_list(revoked=[7])},
            )

    def test_json_ld_has_to_be_signed_by_its_issuer_as_it_stands(self) -> None:
        good = an_ld_credential()
        subject = good["credentialSubject"]
        with pytest.raises(UntrustedError, match="signature"):
            verified(good | {"credentialSubject": subject | {"organization": {"name": "Another", "city": "Gouda"}}})
        with pytest.raises(UntrustedError, match="not a key of the issuer"):
            verified(good | {"issuer": HOLDER, "id": f"{HOLDER}#1"})
        with pytest.raises(UntrustedError, match="not a key of the issuer"):
            verified(signed(good, "oever") | {"id": good["id"]})
        with pytest.raises(UntrustedError, match="not a known key"):
            verified(good, keys=keys_of("oever"))

    def test_json_ld_says_nothing_that_its_signature_does_not_cover(self) -> None:
        """A member that no context defines is not signed, and would be read all the same."""
        good = an_ld_credential()
        with pytest.raises(CredentialError):
            verified(good | {"credentialSubject": good["credentialSubject"] | {"ura": "00009999"}})
        with pytest.raises(CredentialError):
            verified(good | {"@context": [*good["@context"], {"ura": "https://evil.example/ura"}]})

    def test_a_proof_has_dates_of_its_own(self) -> None:
        late = sign_document(an_ld_credential(), a_key("ministry"), created=NOW + timedelta(minutes=1))
        with pytest.raises(NotCurrentError):
            verified(late)

    def test_certificates_do_not_speak_for_a_did_web(self) -> None:
        compact = issue_jwt_credential(
            issuer=ISSUER,
            subject_id=HOLDER,
            types=[],
            subject={},
            key=a_key("ministry"),
            credential_id="1",
            now=NOW,
            expires_at=None,
            x5c=x5c_of(UZI.certificates),
        )
        with pytest.raises(UntrustedError, match="x5c"):
            verified(compact)


class TestOrganizationCredential:
    """Rules of the NutsOrganizationCredential (WIRE §2.11.4)."""

    TYPES = ("VerifiableCredential", "NutsOrganizationCredential")
    GOOD: ClassVar[dict[str, Any]] = {"organization": {"name": "De Oever", "city": "Gouda"}}

    def test_a_good_one_is_accepted(self) -> None:
        verified(a_credential(types=self.TYPES, subject=self.GOOD))

    @pytest.mark.parametrize(
        ("vc", "reason"),
        [
            ({"credentialSubject": {"organization": {"name": "", "city": "Gouda"}}}, "no name"),
            ({"credentialSubject": {"organization": {"name": "x", "city": " "}}}, "no city"),
            ({"credentialSubject": {"organization": {"name": "x", "city": 5}}}, "no city"),
            ({"credentialSubject": {"organization": []}}, "no name"),
            ({"credentialSubject": {}}, "no name"),
            ({"credentialSubject": [GOOD | {"id": HOLDER}, GOOD | {"id": HOLDER}]}, "exactly one subject"),
            ({"credentialSubject": GOOD, "@context": [VC_CONTEXT]}, "@context lacks"),
        ],
    )
    def test_a_bad_one_is_refused(self, vc: dict[str, Any], reason: str) -> None:
        with pytest.raises(UntrustedError, match=reason):
            verified(a_jwt(a_key("ministry"), type=list(self.TYPES), **vc))

    def test_its_id_is_one_of_its_issuer(self) -> None:
        compact = issue_jwt_credential(
            issuer=ISSUER,
            subject_id=HOLDER,
            types=self.TYPES,
            subject=self.GOOD,
            key=a_key("ministry"),
            credential_id=f"{HOLDER}#1",
            now=NOW,
            expires_at=None,
            contexts=[NUTS_CONTEXT],
        )
        with pytest.raises(UntrustedError, match="does not start with the issuer"):
            verified(compact)


class TestX509Credential:
    """Credentials signed with the key of a certificate (WIRE §2.14)."""

    @staticmethod
    def remade(
        header: Mapping[str, Any] | None = None, subject: Any = None, key: SoftwareKey = UZI.key, **claims: Any
    ) -> str:
        """The credential of `UZI` with changes, signed again."""
        made = SignedCredential.parse(X509.compact)
        body = {
            "iss": made.issuer,
            "sub": HOLDER,
            "jti": made.id,
            "nbf": int(made.issued_at.timestamp()),
            "exp": int(NOT_AFTER.timestamp()),
        } | claims
        vc = dict(made.body) | ({} if subject is None else {"credentialSubject": subject})
        payload = compact_json({name: body[name] for name in body if body[name] is not None} | {"vc": vc})
        return sign_jws({**X509.header, **(header or {})}, payload, key)

    def test_no_keys_are_needed_from_outside(self) -> None:
        found = verified(an_x509_credential(), keys={})
        assert found.issuer_key == f"{found.credential.issuer}#0"
        verified(self.remade())

    @pytest.mark.parametrize("alg", ["PS256", "PS384", "RS256"])
    def test_any_rsa_algorithm_that_fits_is_accepted(self, alg: str) -> None:
        key = UZI.key if alg == "PS256" else _AnyAlgorithm(alg)
        verified(self.remade(key=key))  # type: ignore[arg-type]  # RS256 is made by no key of ours

    def test_an_ec_certificate_signs_es256(self) -> None:
        root, keys = a_name(CN="root"), (ec_private_key("root"), ec_private_key("leaf"))
        leaf = a_certificate(
            subject=a_name(O="x"), key=keys[1], issuer=root, issuer_key=keys[0], extensions=leaf_extensions()
        )
        x5c = x5c_of((leaf, a_certificate(subject=root, key=keys[0], issuer=root, issuer_key=keys[0])))
        did = x509_did(CertificateChain.parse(x5c), policies=["subject:O"])
        key = SoftwareKey(KeyId(f"{did}#0"), keys[1])
        verified(self.remade({"x5c": x5c, "kid": key.kid}, {"subject": {"O": "x"}}, key, iss=did))

    @pytest.mark.parametrize(
        "subject",
        [
            {},
            {"subject": {"O": "Huisartsenpraktijk De Oever"}},
            {"subject": {"L": "Gouda"}, "san": {"otherName": "2.16.528.1.1007.99.2110-1-1-S-00001111-00.000-00000000"}},
            [{"subject": {"L": "Gouda"}}],
        ],
    )
    def test_it_may_say_any_part_of_its_issuers_policies(self, subject: Any) -> None:
        verified(self.remade(subject=subject))

    @pytest.mark.parametrize(
        ("subject", "reason"),
        [
            ({"subject": {"O": "Another"}}, "differs from the policies"),
            ({"subject": {"C": "NL"}}, "differs from the policies"),
            ({"subject": {"O": ["Huisartsenpraktijk De Oever"]}}, "differs from the policies"),
            ({"san": {"dns": "oever.localhost"}}, "differs from the policies"),
            ({"extra": {"ura": "00009999"}}, "differs from the policies"),
            ({"ura": "00009999"}, "not an object with values"),
            ({"subject": {}}, "not an object with values"),
            ([{"id": HOLDER}, {"id": HOLDER}], "exactly one subject"),
        ],
    )
    def test_it_may_say_nothing_else(self, subject: Any, reason: str) -> None:
        with pytest.raises(UntrustedError, match=reason):
            verified(self.remade(subject=subject))

    def test_it_lives_within_the_validity_of_its_certificate(self) -> None:
        with pytest.raises(UntrustedError, match="issued before"):
            verified(self.remade(nbf=int(NOT_BEFORE.timestamp()) - 1))
        with pytest.raises(UntrustedError, match="does not expire"):
            verified(self.remade(exp=int(NOT_AFTER.timestamp()) + 1))
        forever = dataclasses.replace(SignedCredential.parse(X509.compact), expires_at=None)
        with pytest.raises(UntrustedError, match="does not expire"):
            verify_credential(forever, Evidence(keys={}), now=NOW)
        with pytest.raises(NotCurrentError, match="expired"):
            verified(an_x509_credential(), now=NOT_AFTER + timedelta(seconds=10))

    def test_its_issuer_has_one_key(self) -> None:
        with pytest.raises(UntrustedError, match="one key, #0"):
            verified(self.remade({"kid": f"{x509_did(UZI.chain)}#1"}))
        with pytest.raises(UntrustedError, match="not a key of its issuer"):
            verified(self.remade({"kid": a_key("ministry").kid}))

    @pytest.mark.parametrize("x5c", [None, [], ["AAAA", "AAAA"], "AAAA"])
    def test_it_needs_its_certificates(self, x5c: Any) -> None:
        with pytest.raises(MalformedError):
            verified(self.remade({"x5c": x5c}))

    def test_the_certificates_have_to_be_those_of_its_issuer(self) -> None:
        intruder = a_uzi_chain("oever", region="Intruder")
        with pytest.raises(UntrustedError, match="CA it names is not in the chain"):
            verified(self.remade({"x5c": x5c_of(intruder.certificates)}, key=intruder.key))
        neighbour = a_uzi_chain("linde", ura="00002222", organization="De Linde")
        with pytest.raises(UntrustedError, match="not in the certificate"):
            verified(self.remade({"x5c": x5c_of(neighbour.certificates)}, key=neighbour.key))

    def test_a_broken_chain_is_refused(self) -> None:
        leaf, _, root = UZI.certificates
        with pytest.raises(UntrustedError, match="next one"):
            verified(self.remade({"x5c": x5c_of((leaf, root))}))

    def test_it_is_signed_by_the_leaf(self) -> None:
        key = SoftwareKey(UZI.key.kid, rsa_private_key("another"))
        with pytest.raises(UntrustedError, match="signature"):
            verified(self.remade(key=key))

    def test_only_a_did_x509_issues_one(self) -> None:
        with pytest.raises(UntrustedError, match="not a JWT of a did:x509"):
            verified(a_credential(types=["X509Credential"]))

    def test_a_did_x509_may_issue_other_credentials(self) -> None:
        compact = issue_jwt_credential(
            issuer=x509_did(UZI.chain),
            subject_id=HOLDER,
            types=["ExampleCredential"],
            subject={"x": 1},
            key=UZI.key,
            credential_id="1",
            now=NOW,
            expires_at=None,
            x5c=x5c_of(UZI.certificates),
        )
        assert verified(compact).issuer_key == UZI.key.kid


class _AnyAlgorithm:
    """The key of `UZI` with an algorithm of the test's choice."""

    def __init__(self, alg: str) -> None:
        self.alg, self.kid, self.public = alg, UZI.key.kid, UZI.key.public

    def sign(self, signing_input: bytes) -> bytes:
        from jwt.algorithms import get_default_algorithms

        return get_default_algorithms()[self.alg].sign(signing_input, rsa_private_key("oever"))


class TestSignatureCache:
    """What may be remembered."""

    def test_a_matched_signature_is_not_computed_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: set[bytes] = set()
        compact = a_presentation()
        first = verify(compact, signatures=seen)
        assert len(seen) == 3  # presentation, credential, chain
        monkeypatch.setattr("credentials.keys.PublicKey.verify", None)
        assert verify(compact, signatures=seen) == first

    def test_everything_else_is_checked_every_time(self) -> None:
        seen: set[bytes] = set()
        compact = a_presentation()
        verify(compact, signatures=seen)
        with pytest.raises(UntrustedError, match="aud"):
            verify(compact, signatures=seen, audience="https://linde.example")
        with pytest.raises(NotCurrentError):
            verify(compact, signatures=seen, now=NOW + timedelta(minutes=1))
        with pytest.raises(UntrustedError, match="not a known key"):
            verify(compact, signatures=seen, keys={})

    def test_json_ld_is_not_made_canonical_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: set[bytes] = set()
        good = an_ld_credential()
        verified(good, signatures=seen)
        monkeypatch.setattr("credentials.vc.signature.verify_proof", None)
        verified(dict(reversed(good.items())), signatures=seen)
        with pytest.raises(TypeError):  # anything else is looked at
            verified(good | {"id": f"{ISSUER}#2"}, signatures=seen)

    def test_a_failure_is_not_remembered_nor_taken_for_another(self) -> None:
        seen: set[bytes] = set()
        for _ in range(2):
            with pytest.raises(UntrustedError, match="signature"):
                verified(tampered(a_credential()), signatures=seen)
        assert seen == set()
        verified(a_credential(), signatures=seen)
        with pytest.raises(UntrustedError, match="signature"):
            verified(tampered(a_credential()), signatures=seen)
        with pytest.raises(UntrustedError, match="signature"):
            verified(a_credential(), signatures=seen, keys={a_key("ministry").kid: a_key("linde").public})
