"""Reading presentations in both dialects of nuts-node."""

from datetime import timedelta
from typing import Any

import pytest

from credentials.errors import MalformedError
from credentials.jws import compact_json, sign_jws
from credentials.vc.credential import VC_CONTEXT
from credentials.vc.presentation import ALWAYS, MAX_CREDENTIALS, NEVER, RETRACTION_TYPE, SignedPresentation
from tests.support.builders import (
    AUDIENCE,
    a_credential,
    a_presentation,
    a_release_presentation,
    an_employee_credential,
)
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key

HOLDER, KEY = a_did("oever"), a_key("oever")
ONE, TWO = a_credential(), an_employee_credential()


def a_jwt(header: dict[str, Any] | None = None, vp: object = None, **claims: Any) -> str:
    issued = int(NOW.timestamp())
    body: dict[str, Any] = {
        "iss": HOLDER,
        "sub": HOLDER,
        "aud": AUDIENCE,
        "jti": "1",
        "nbf": issued,
        "exp": issued + 5,
        "vp": {"@context": VC_CONTEXT, "type": "VerifiablePresentation"} if vp is None else vp,
    }
    body |= claims
    return sign_jws(header or {}, compact_json({name: body[name] for name in body if body[name] is not None}), KEY)


@pytest.mark.parametrize("make", [a_presentation, a_release_presentation])
def test_both_dialects_are_read(make: Any) -> None:
    presentation = SignedPresentation.parse(make(credentials=[ONE, TWO]))
    assert presentation.holder == HOLDER
    assert presentation.kid == KEY.kid
    assert presentation.audience == (AUDIENCE,)
    assert presentation.id.startswith(f"{HOLDER}#")
    assert presentation.nonce is not None
    assert presentation.issued_at == NOW - timedelta(seconds=1)
    assert presentation.expires_at == NOW + timedelta(seconds=4)
    assert presentation.types == ("VerifiablePresentation",)
    assert [each.format for each in presentation.credentials] == ["jwt_vc", "ldp_vc"]
    assert [each.raw for each in presentation.credentials] == [ONE, TWO]
    assert presentation.retract_jti is None
    assert (presentation.format, presentation.proof, presentation.needs_canonicalising) == ("jwt_vp", None, False)
    assert presentation.jws.compact == presentation.raw


@pytest.mark.parametrize("credential", [ONE, TWO])
@pytest.mark.parametrize("make", [a_presentation, a_release_presentation])
def test_one_credential_is_read_with_or_without_an_array(make: Any, credential: Any) -> None:
    presentation = SignedPresentation.parse(make(credentials=[credential]))
    assert [each.raw for each in presentation.credentials] == [credential]
    assert isinstance(presentation.vp["verifiableCredential"], list) == (make is a_presentation)


def test_a_retraction_carries_no_credentials() -> None:
    presentation = SignedPresentation.parse(
        a_presentation(credentials=[], extra_types=[RETRACTION_TYPE], extra_claims={"retract_jti": f"{HOLDER}#7"})
    )
    assert presentation.types == ("VerifiablePresentation", RETRACTION_TYPE)
    assert presentation.retract_jti == f"{HOLDER}#7"
    assert presentation.credentials == ()


def test_iat_stands_in_for_nbf() -> None:
    assert SignedPresentation.parse(a_jwt(nbf=None, iat=int(NOW.timestamp()))).issued_at == NOW
    assert SignedPresentation.parse(a_jwt(iat=1)).issued_at == NOW


def test_only_who_grants_nothing_reads_what_has_no_end() -> None:
    compact = a_jwt(nbf=None, exp=None)
    with pytest.raises(MalformedError, match="are required"):
        SignedPresentation.parse(compact)
    presentation = SignedPresentation.parse(compact, open_ended=True)
    assert (presentation.issued_at, presentation.expires_at) == (ALWAYS, NEVER)
    with pytest.raises(MalformedError, match="not after"):
        SignedPresentation.parse(a_jwt(nbf=5, exp=5), open_ended=True)


def test_what_is_for_nobody_in_particular_has_no_audience() -> None:
    assert SignedPresentation.parse(a_jwt(aud=None)).audience == ()


@pytest.mark.parametrize(
    ("compact", "reason"),
    [
        (a_jwt({"typ": "dpop+jwt"}), "typ"),
        (a_jwt({"kid": None}), "absolute"),
        (a_jwt({"kid": "#key-1"}), "not a DID"),
        (a_jwt({"kid": "key-1"}), "absolute"),
        (a_jwt({"kid": f"{a_did('linde')}#key-1"}), "not the DID of kid"),
        (a_jwt(iss=a_did("linde")), "not the DID of kid"),
        (a_jwt(sub=a_did("linde")), "not the DID of kid"),
        (
            a_jwt(vp={"@context": VC_CONTEXT, "type": "VerifiablePresentation", "holder": a_did("linde")}),
            "not the DID of kid",
        ),
        (a_jwt(vp={"@context": VC_CONTEXT, "type": "VerifiablePresentation", "holder": {}}), "holder is not a text"),
        (a_jwt(vp=5), "vp is not an object"),
        (a_jwt(vp={"@context": VC_CONTEXT, "type": "X"}), "lacks VerifiablePresentation"),
        (a_jwt(vp={"@context": "x", "type": "VerifiablePresentation"}), "@context lacks"),
        (a_jwt(nbf=None), "are required"),
        (a_jwt(exp=None), "are required"),
        (a_jwt(exp=int(NOW.timestamp())), "not after"),
        (a_jwt(exp="x"), "time"),
        (a_jwt(jti=None), "jti is missing"),
        (a_jwt(jti=""), "jti is empty"),
        (a_jwt(aud=[]), "at least one text"),
        (a_jwt(aud=[5]), "array of texts"),
        (a_jwt(nonce=5), "nonce is not a text"),
        (a_jwt(retract_jti=5), "retract_jti is not a text"),
        (a_presentation(credentials=["x"]), "three parts"),
        (5, "neither a JWT nor an object"),
        (a_presentation(credentials=[ONE] * (MAX_CREDENTIALS + 1)), "more than 32"),
    ],
)
def test_what_is_no_presentation_is_refused(compact: object, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        SignedPresentation.parse(compact)
