"""Every door of the node: how it is called well, what it reads, and how it says no.

A route that is not in :data:`DOORS` fails ``test_bad_input.py``: whoever adds an endpoint says here what it reads.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote, urlencode

from tests.node.bad_input.dialects import Dialect
from tests.node.bad_input.setting import FOLLOWED, SERVICE, STRANGER, SUBJECT, NodeUnderAttack, token_request
from tests.node.consent.setting import a_consent, a_provision
from tests.support.builders import a_presentation, an_x509_credential
from tests.support.certificates import a_uzi_chain
from tests.support.registry import about_itself
from tests.support.world import NOON

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
BSN = {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "176286603"}
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

Made = Callable[[NodeUnderAttack], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One method of one route.

    Attributes:
        route: as the application's router names it.
        target: a good address; ``{did}``, ``{uuid}`` and ``{kid}`` stand for the node's own.
        answers: status of a good request.
        good: body of a good request: a JSON value, or the pairs of a form; made anew for every call.
        unknown: what becomes of members of the body that nobody knows.
        parameters: what is read from the address.
        limit: bytes of a body.
        required: members or fields without which a request is refused.
        exact: those among them that do not take any text.
        merges: whether fields of the form may stand in the address too.
        guarded: whether it is a public one that asks for a token.
    """

    listener: Literal["public", "internal"]
    method: str
    route: str
    target: str
    dialect: Dialect = "problem"
    answers: int = 200
    reads: Literal["nothing", "json", "form"] = "nothing"
    good: Made | None = None
    media: tuple[str, ...] = (JSON,)
    unknown: Literal["refused", "ignored", "none"] = "none"
    required: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    merges: bool = False
    parameters: tuple[tuple[str, str], ...] = ()
    limit: int = 1_048_576
    guarded: bool = False

    @property
    def name(self) -> str:
        """For the test's title."""
        return f"{self.listener} {self.method} {self.route}"

    def path(self, node: NodeUnderAttack) -> str:
        """A good path."""
        kid = node.kid.replace("%", "%25").replace("#", "%23")
        return self.target.format(
            did=quote(node.did, safe=":"), uuid=node.did.rpartition(":")[2], kid=kid, consent=node.consent
        )

    def good_target(self, node: NodeUnderAttack) -> str:
        """A good address, parameters included."""
        return self.path(node) + (f"?{urlencode(self.parameters)}" if self.parameters else "")

    def body(self, node: NodeUnderAttack) -> bytes | None:
        """A good body."""
        if self.good is None:
            return None
        value = self.good(node)
        return urlencode(value).encode() if self.reads == "form" else json.dumps(value).encode()

    @property
    def content_type(self) -> str:
        """What a good body is."""
        return FORM if self.reads == "form" else self.media[0]


def _registration(_: NodeUnderAttack) -> str:
    uzi = a_uzi_chain(STRANGER, ura="00002222", organization="Thuiszorg Linde")
    credentials: list[Any] = [an_x509_credential(STRANGER, uzi=uzi, now=NOON), about_itself(STRANGER, NOON)]
    return a_presentation(STRANGER, credentials=credentials, audience=SERVICE, now=NOON, lifetime=timedelta(hours=1))


def _question(_: NodeUnderAttack) -> Mapping[str, Any]:
    return {
        "patient": BSN,
        "user": {"identifier": "U-1001", "name": "J. Jansen", "role": "01.015"},
        "purpose": "TREAT",
        "holders": ["00002222"],
        "deadline_ms": 1_000,
    }


def _consent(node: NodeUnderAttack) -> Mapping[str, Any]:
    return a_consent(a_provision("permit"), bsn=BSN["value"])


def _service(_: NodeUnderAttack) -> Mapping[str, Any]:
    return {"type": "fhir", "serviceEndpoint": "https://oever.example/fhir"}


def _held(node: NodeUnderAttack) -> str:
    return str(node.credential)


_SEARCH = (("patient-id", BSN["value"]),)


def _public(method: str, route: str, target: str, **rest: Any) -> Door:
    return Door(listener="public", method=method, route=route, target=target, **rest)


def _internal(method: str, route: str, target: str, **rest: Any) -> Door:
    return Door(listener="internal", method=method, route=f"/internal/{route}", target=f"/internal/{target}", **rest)


PUBLIC = (
    _public("GET", "/iam/{id}/did.json", "/iam/{uuid}/did.json"),
    _public("GET", "/statuslist/{did}/{page}", "/statuslist/{did}/1", answers=404),
    _public(
        "GET",
        "/.well-known/oauth-authorization-server/oauth2/{subject}",
        f"/.well-known/oauth-authorization-server/oauth2/{SUBJECT}",
        dialect="oauth",
    ),
    _public("GET", "/oauth2/{subject}/oauth-client", f"/oauth2/{SUBJECT}/oauth-client", dialect="oauth"),
    _public(
        "GET",
        "/oauth2/{subject}/presentation_definition",
        f"/oauth2/{SUBJECT}/presentation_definition",
        dialect="oauth",
        parameters=(("scope", SERVICE), ("wallet_owner_type", "organization")),
    ),
    _public(
        "POST",
        "/oauth2/{subject}/token",
        f"/oauth2/{SUBJECT}/token",
        dialect="oauth",
        reads="form",
        good=lambda _: token_request("door"),
        required=("grant_type", "client_id", "scope", "assertion", "presentation_submission"),
        limit=262_144,
    ),
    _public("GET", "/discovery/{service}", f"/discovery/{SERVICE}", parameters=(("timestamp", "0"),)),
    _public(
        "POST",
        "/discovery/{service}",
        f"/discovery/{SERVICE}",
        answers=201,
        reads="json",
        good=_registration,
        limit=65_536,
    ),
    _public("GET", "/discovery/{service}/log/checkpoint", f"/discovery/{SERVICE}/log/checkpoint"),
    _public(
        "GET", "/discovery/{service}/log/tile/{tile}", f"/discovery/{SERVICE}/log/tile/6/000", answers=404
    ),  # no log is that large
    _public(
        "GET",
        "/directory/fhir/metadata",
        "/directory/fhir/metadata",
        dialect="directory",
        parameters=(("_format", "json"),),
    ),
    _public(
        "GET",
        "/directory/fhir/{type}",
        "/directory/fhir/Organization",
        dialect="directory",
        parameters=(("_count", "10"),),
    ),
    _public(
        "GET",
        "/directory/fhir/{type}/_history",
        "/directory/fhir/Organization/_history",
        dialect="directory",
        parameters=(("_since", "2026-11-01T00:00:00Z"),),
    ),
    _public(
        "GET", "/directory/fhir/{type}/{id}", "/directory/fhir/Organization/nobody", dialect="directory", answers=404
    ),
    _public("GET", "/.well-known/use-cases", "/.well-known/use-cases"),
    _public(
        "*",
        "/fhir/{subject}/{version}/{path}",
        f"/fhir/{SUBJECT}/r4/Patient",
        dialect="fhir",
        answers=403,
        guarded=True,
    ),
    _public("GET", "/status", "/status"),
)

VENDOR = (
    _internal("GET", "vdr/v2/subject", "vdr/v2/subject"),
    _internal(
        "POST",
        "vdr/v2/subject",
        "vdr/v2/subject",
        reads="json",
        good=lambda _: {"subject": "another", "keys": {"assertionKey": True}},
        unknown="ignored",
    ),
    _internal("GET", "vdr/v2/subject/{subject}", f"vdr/v2/subject/{SUBJECT}"),
    _internal("GET", "vdr/v2/did/{did}", "vdr/v2/did/{did}"),
    _internal("DELETE", "vdr/v2/subject/{subject}", f"vdr/v2/subject/{SUBJECT}", answers=409),
    _internal(
        "GET",
        "vdr/v2/subject/{subject}/service",
        f"vdr/v2/subject/{SUBJECT}/service",
        parameters=(("endpointType", "string"),),  # a type may be any text
        unknown="ignored",
    ),
    _internal(
        "POST",
        "vdr/v2/subject/{subject}/service",
        f"vdr/v2/subject/{SUBJECT}/service",
        reads="json",
        good=_service,
        unknown="ignored",
        required=("type",),  # an endpoint may be any text, object or array
        exact=("type",),
    ),
    _internal(
        "POST",
        "vdr/v2/subject/{subject}/service/{service}",
        f"vdr/v2/subject/{SUBJECT}/service/%23x",
        reads="json",
        good=_service,
        unknown="ignored",
        required=("type",),  # an endpoint may be any text, object or array
        exact=("type",),
    ),
    _internal(
        "DELETE",
        "vdr/v2/subject/{subject}/service/{service}",
        f"vdr/v2/subject/{SUBJECT}/service/%23x",
        answers=204,
    ),
    _internal(
        "POST",
        "vdr/v2/subject/{subject}/verificationmethod",
        f"vdr/v2/subject/{SUBJECT}/verificationmethod",
        reads="json",
        good=lambda _: {"assertionKey": True},
        unknown="ignored",
    ),
    _internal("GET", "vcr/v2/holder/{subject}/vc", f"vcr/v2/holder/{SUBJECT}/vc"),
    _internal(
        "POST", "vcr/v2/holder/{subject}/vc", f"vcr/v2/holder/{SUBJECT}/vc", answers=204, reads="json", good=_held
    ),
    _internal("DELETE", "vcr/v2/holder/{subject}/vc/{id}", f"vcr/v2/holder/{SUBJECT}/vc/{UNKNOWN_ID}", answers=404),
    _internal(
        "GET",
        "vcr/v2/holder/{subject}/vc/search",
        f"vcr/v2/holder/{SUBJECT}/vc/search",
    ),
    _internal(
        "GET", "vcr/v2/holder/expiring", "vcr/v2/holder/expiring", parameters=(("within", "720h"),), unknown="ignored"
    ),
    _internal(
        "POST",
        "vcr/v2/holder/vp",
        "vcr/v2/holder/vp",
        reads="json",
        good=lambda node: {"verifiableCredentials": [_held(node)], "format": "jwt_vp"},
        unknown="ignored",
        required=("verifiableCredentials",),
        exact=("verifiableCredentials",),
    ),
    _internal(
        "POST",
        "vcr/v2/issuer/vc",
        "vcr/v2/issuer/vc",
        reads="json",
        good=lambda node: {
            "type": "OwnCredential",
            "issuer": node.did,
            "credentialSubject": {"id": node.did},
            "format": "jwt_vc",
            "withStatusList2021Revocation": False,
        },
        unknown="ignored",
        required=("issuer", "credentialSubject"),
        exact=("issuer", "credentialSubject"),
    ),
    _internal(
        "GET",
        "vcr/v2/issuer/vc/search",
        "vcr/v2/issuer/vc/search",
        parameters=(("issuer", "did:web:nobody.example"),),
        unknown="ignored",
    ),
    _internal("DELETE", "vcr/v2/issuer/vc/{id}", f"vcr/v2/issuer/vc/{UNKNOWN_ID}", answers=404),
    _internal("POST", "vcr/v2/issuer/vc/{id}/renew", f"vcr/v2/issuer/vc/{UNKNOWN_ID}/renew", answers=404),
    _internal(
        "POST",
        "vcr/v2/verifier/vc",
        "vcr/v2/verifier/vc",
        reads="json",
        good=lambda node: {"verifiableCredential": _held(node)},
        unknown="ignored",  # an object that is no credential gets an answer: not valid
    ),
    _internal(
        "POST",
        "vcr/v2/verifier/vp",
        "vcr/v2/verifier/vp",
        reads="json",
        good=lambda _: {"verifiablePresentation": a_presentation(STRANGER, now=NOON)},
        unknown="ignored",
        required=("verifiablePresentation",),
        exact=("verifiablePresentation",),
    ),
    *(
        _internal(
            method,
            "vcr/v2/verifier/trust",
            "vcr/v2/verifier/trust",
            answers=204,
            reads="json",
            good=lambda node: {"issuer": node.did, "credentialType": "OwnCredential"},
            unknown="ignored",
            required=("issuer", "credentialType"),
        )
        for method in ("POST", "DELETE")
    ),
    _internal("GET", "vcr/v2/verifier/{type}/trusted", "vcr/v2/verifier/OwnCredential/trusted"),
    _internal("GET", "vcr/v2/verifier/{type}/untrusted", "vcr/v2/verifier/OwnCredential/untrusted"),
    _internal(
        "POST",
        "crypto/v1/sign_jwt",
        "crypto/v1/sign_jwt",
        reads="json",
        good=lambda node: {"kid": node.kid, "claims": {"iss": node.did}},
        unknown="ignored",
        required=("kid",),
        exact=("kid",),
    ),
    _internal(
        "POST",
        "crypto/v1/sign_jws",
        "crypto/v1/sign_jws",
        reads="json",
        good=lambda node: {"kid": node.kid, "headers": {}, "payload": "AAAA"},
        unknown="ignored",
        required=("kid", "payload"),
        exact=("kid",),
    ),
    *(
        _internal(
            "POST",
            f"crypto/v1/{name}",
            f"crypto/v1/{name}",
            answers=400,
            reads="json",
            good=lambda _: {"receiver": "did:web:nobody.example", "message": "a.b.c.d.e"},
            unknown="ignored",
        )
        for name in ("encrypt_jwe", "decrypt_jwe")
    ),
    _internal(
        "POST",
        "auth/v2/{subject}/request-service-access-token",
        f"auth/v2/{SUBJECT}/request-service-access-token",
        answers=502,
        reads="json",
        good=lambda _: {
            "authorization_server": "https://nowhere.example/oauth2/x",
            "scope": SERVICE,
            "credentials": [],
        },
        unknown="ignored",
        required=("authorization_server", "scope"),
        limit=65_536,
    ),
    _internal(
        "POST",
        "auth/v2/accesstoken/introspect",
        "auth/v2/accesstoken/introspect",
        reads="form",
        good=lambda node: [("token", node.token)],
        limit=65_536,
    ),
    _internal(
        "POST",
        "auth/v2/accesstoken/introspect_extended",
        "auth/v2/accesstoken/introspect_extended",
        reads="form",
        good=lambda node: [("token", node.token)],
        limit=65_536,
    ),
    _internal(
        "POST",
        "auth/v2/dpop/validate",
        "auth/v2/dpop/validate",
        reads="json",
        good=lambda node: {"dpop_proof": "x", "method": "GET", "thumbprint": "x", "token": node.token, "url": "x"},
        unknown="ignored",
        required=("dpop_proof", "method", "thumbprint", "token", "url"),
        limit=65_536,
    ),
    _internal(
        "POST",
        "auth/v2/dpop/{kid}",
        "auth/v2/dpop/{kid}",
        reads="json",
        good=lambda _: {"htm": "GET", "htu": "https://holder.example/fhir", "token": "x"},
        unknown="ignored",
        required=("htm", "htu", "token"),
        limit=65_536,
    ),
    _internal("GET", "discovery/v1", "discovery/v1"),
    _internal("GET", "discovery/v1/{service}", f"discovery/v1/{SERVICE}"),
    _internal("GET", "discovery/v1/{service}/{subject}", f"discovery/v1/{SERVICE}/{SUBJECT}"),
    _internal(
        "POST",
        "discovery/v1/{service}/{subject}",
        f"discovery/v1/{SERVICE}/{SUBJECT}",
        reads="json",
        good=lambda _: {"registrationParameters": {"colour": "blue"}},
        unknown="ignored",
        limit=16_384,
    ),
    _internal("DELETE", "discovery/v1/{service}/{subject}", f"discovery/v1/{FOLLOWED}/{SUBJECT}"),
    _internal("GET", "registries/v1/{service}", f"registries/v1/{SERVICE}"),
    _internal(
        "POST",
        "registries/v1/{service}/promote",
        f"registries/v1/{FOLLOWED}/promote",
        answers=409,  # it is no mirror of that
        reads="json",
        good=lambda _: {"incomplete": False},
        unknown="refused",
        limit=1_024,
    ),
)

OURS = (
    _internal("GET", "keys/v1/{subject}", f"keys/v1/{SUBJECT}"),
    _internal("POST", "keys/v1/{subject}/rotate", f"keys/v1/{SUBJECT}/rotate"),
    *(
        _internal(
            "POST",
            f"keys/v1/{{subject}}/{verb}",
            f"keys/v1/{SUBJECT}/{verb}",
            answers=404,
            reads="json",
            good=lambda node: {"kid": f"{node.did}#nothing"},
            unknown="refused",
            required=("kid",),
        )
        for verb in ("retire", "compromise")
    ),
    _internal(
        "GET",
        "directory/v1/organisations",
        "directory/v1/organisations",
        parameters=(("service", SERVICE), ("ura", "00002222")),
        unknown="refused",
    ),
    _internal(
        "POST",
        "exchange/v1/{subject}/{usecase}",
        f"exchange/v1/{SUBJECT}/ha-vvt",
        reads="json",
        good=_question,
        unknown="refused",
        required=("patient", "user", "purpose"),
        exact=("patient", "user", "purpose"),
    ),
    _internal(
        "POST",
        "explain/v1/{subject}",
        f"explain/v1/{SUBJECT}",
        reads="json",
        good=lambda _: {"requester_ura": "00002222", "scope": SERVICE, "path": "Patient/1", "purpose": "TREAT"},
        unknown="refused",
        required=("requester_ura", "scope", "path"),
        exact=("requester_ura",),
    ),
    _internal(
        "POST",
        "explain/v1/{subject}/credentials",
        f"explain/v1/{SUBJECT}/credentials",
        reads="json",
        good=lambda _: {"scope": SERVICE, "credential_selection": {}},
        unknown="refused",
        required=("scope",),
        limit=65_536,
    ),
    _internal("GET", "usecases/v1", "usecases/v1"),
    _internal(
        "GET",
        "audit/v1/{subject}",
        f"audit/v1/{SUBJECT}",
        parameters=(
            ("from", "2026-11-22"),
            ("to", "2026-11-23"),
            ("peer", "00002222"),
            ("outcome", "permit"),
            ("_count", "1"),
        ),
        unknown="refused",
    ),
    _internal(
        "POST",
        "audit/v1/{subject}/_search",
        f"audit/v1/{SUBJECT}/_search",
        reads="form",
        good=lambda _: [*_SEARCH, ("_count", "1")],
        unknown="refused",
        merges=True,
        limit=16_384,
    ),
    _internal(
        "GET", "audit/v1/{subject}/entries/{seq}", f"audit/v1/{SUBJECT}/entries/2", parameters=(("lane", "main"),)
    ),
    _internal(
        "POST",
        "audit/v1/{subject}/report",
        f"audit/v1/{SUBJECT}/report",
        reads="json",
        good=lambda _: {"patient": BSN, "from": "2026-11-22", "user": {"identifier": "U-1001"}},
        unknown="refused",
        required=("patient",),
        exact=("patient",),
        limit=16_384,
    ),
    _internal("GET", "audit/v1/{subject}/head", f"audit/v1/{SUBJECT}/head"),
    _internal(
        "GET",
        "audit/v1/{subject}/export",
        f"audit/v1/{SUBJECT}/export",
        parameters=(("from", "2026-11-22"), ("to", "2026-11-23")),
        unknown="refused",
    ),
    _internal("POST", "audit/v1/{subject}/verify", f"audit/v1/{SUBJECT}/verify"),
    _internal(
        "POST",
        "consent/v1/{subject}/Consent",
        f"consent/v1/{SUBJECT}/Consent",
        answers=201,
        reads="json",
        good=_consent,
        media=(JSON, "application/fhir+json"),
        required=("resourceType", "status", "patient", "provision"),
        exact=("resourceType", "status", "patient", "provision"),
        limit=65_536,
    ),
    _internal(
        "PUT",
        "consent/v1/{subject}/Consent/{id}",
        f"consent/v1/{SUBJECT}/Consent/{{consent}}",
        reads="json",
        good=lambda node: {**_consent(node), "id": node.consent},
        media=(JSON, "application/fhir+json"),
        required=("resourceType", "id", "status", "patient", "provision"),
        exact=("resourceType", "id", "status", "patient", "provision"),
        limit=65_536,
    ),
    _internal("GET", "consent/v1/{subject}/Consent/{id}", f"consent/v1/{SUBJECT}/Consent/{{consent}}"),
    _internal(
        "GET",
        "consent/v1/{subject}/Consent/{id}/_history/{version}",
        f"consent/v1/{SUBJECT}/Consent/{{consent}}/_history/1",
    ),
    *(
        _internal(
            "GET",
            f"consent/v1/{{subject}}/{what}",
            f"consent/v1/{SUBJECT}/{what}",
            parameters=(("patient-id", "k1." + "A" * 22),),
            unknown="refused",
        )
        for what in ("Consent", "who-may", "Consent/who-may")
    ),
    *(
        _internal(
            "POST",
            f"consent/v1/{{subject}}/{what}",
            f"consent/v1/{SUBJECT}/{what}",
            reads="form",
            good=lambda _: list(_SEARCH),
            unknown="refused",
            merges=True,
            required=("patient-id",),
            limit=4_096,
        )
        for what in ("Consent/_search", "who-may", "who-may/_search")
    ),
    _internal("GET", "status/v1", "status/v1"),
    Door(listener="internal", method="GET", route="/status", target="/status"),
    Door(listener="internal", method="GET", route="/health", target="/health"),
)


def _evaluation() -> Mapping[str, Any]:
    return {
        "subject": {
            "type": "organization",
            "id": "00002222",
            "properties": {"scope": SERVICE, "user": {"identifier": "U-1", "role": "30.000"}},
        },
        "action": {"name": "GET"},
        "resource": {
            "type": "fhir",
            "id": "Flag",
            "properties": {"holder": SUBJECT, "fhir_version": "r4", "query": "patient=p1"},
        },
        "context": {"purpose": "TREAT"},
    }


ROOMS = (
    _internal(
        "POST",
        "pdp/v1/evaluation",
        "pdp/v1/evaluation",
        reads="json",
        good=lambda _: _evaluation(),
        unknown="refused",
        required=("subject", "action", "resource"),
        exact=("subject", "action", "resource"),
    ),
    _internal(
        "POST",
        "pdp/v1/evaluations",
        "pdp/v1/evaluations",
        reads="json",
        good=lambda _: {"evaluations": [_evaluation()]},
        unknown="refused",
        required=("evaluations",),
        exact=("evaluations",),
    ),
    _internal(
        "*",
        "fhir/v1/{subject}/{ura}/{path}",
        f"fhir/v1/{SUBJECT}/00002222/Patient",
        answers=400,  # it does not say for which use case
    ),
    _internal("GET", "oauth/v1/{subject}/tokens", f"oauth/v1/{SUBJECT}/tokens", unknown="refused"),
    _internal(
        "DELETE",
        "oauth/v1/{subject}/tokens",
        f"oauth/v1/{SUBJECT}/tokens",
        parameters=(("party", "did:web:nobody.example"),),
        unknown="refused",
    ),
    _internal("DELETE", "oauth/v1/{subject}/tokens/{grant}", f"oauth/v1/{SUBJECT}/tokens/{UNKNOWN_ID}", answers=404),
    _internal("GET", "map/v1/{subject}", f"map/v1/{SUBJECT}", parameters=(("look", "false"),), unknown="refused"),
    _internal(
        "POST",
        "doctor/v1/{subject}",
        f"doctor/v1/{SUBJECT}",
        answers=400,  # nobody is registered under it
        reads="json",
        good=lambda _: {"peer": "00009999"},
        unknown="refused",
        limit=16_384,
    ),
    _internal("GET", "emergencies/v1/{subject}", f"emergencies/v1/{SUBJECT}", unknown="refused"),
    _internal(
        "POST",
        "emergencies/v1/{subject}/{id}/review",
        f"emergencies/v1/{SUBJECT}/{UNKNOWN_ID}/review",
        answers=404,
        reads="json",
        good=lambda _: {"verdict": "justified", "reviewer": "P. de Boer"},
        unknown="refused",
        required=("verdict", "reviewer"),
    ),
    _internal("GET", "agreements/v1/{subject}", f"agreements/v1/{SUBJECT}", unknown="refused"),
    _internal(
        "POST",
        "agreements/v1/{subject}",
        f"agreements/v1/{SUBJECT}",
        answers=201,
        reads="json",
        good=lambda _: {"ura": "00002222", "usecase": "ha-vvt", "document": "2026-14", "start": "2026-01-01"},
        unknown="refused",
        required=("ura", "usecase", "document", "start"),
        exact=("ura", "usecase", "start"),
    ),
    _internal("DELETE", "agreements/v1/{subject}/{id}", f"agreements/v1/{SUBJECT}/{UNKNOWN_ID}", answers=404),
    _internal(
        "GET",
        "directory/v1/endpoints",
        "directory/v1/endpoints",
        answers=404,  # no such use case
        parameters=(("ura", "00002222"), ("usecase", "none")),
    ),
    _internal("GET", "directory/v1/status", "directory/v1/status"),
    _internal("POST", "directory/v1/sync", "directory/v1/sync", answers=404),  # no directory is followed
    _internal("POST", "directory/v1/publish", "directory/v1/publish"),
    _internal("GET", "directory/v1/fhir/metadata", "directory/v1/fhir/metadata", dialect="directory"),
    *(
        _internal("GET", f"directory/v1/fhir/{route}", f"directory/v1/fhir/{target}", dialect="directory", answers=404)
        for route, target in (("{type}", "Organization"), ("{type}/{id}", "Organization/nobody"))
    ),
    _internal(
        "POST",
        "directory/v1/fhir/{type}/_search",
        "directory/v1/fhir/Organization/_search",
        dialect="directory",
        answers=404,
        reads="form",
        good=lambda _: [("name", "linde")],
        merges=True,
        limit=16_384,
    ),
    _internal(
        "GET", "directory/v1/own/{type}/{id}", "directory/v1/own/Organization/nobody", dialect="directory", answers=404
    ),
    _internal(
        "PUT",
        "directory/v1/own/{type}/{id}",
        "directory/v1/own/Organization/another",
        dialect="directory",
        answers=201,
        reads="json",
        good=lambda _: {"resourceType": "Organization", "id": "another", "name": "Thuiszorg Linde", "active": True},
        media=(JSON, "application/fhir+json"),
        required=("resourceType", "id"),
        exact=("resourceType", "id"),
    ),
)

DOORS = (*PUBLIC, *VENDOR, *OURS, *ROOMS)
