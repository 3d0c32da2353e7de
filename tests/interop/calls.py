"""The calls that are made at both nodes, in order: later ones need what earlier ones made (WIRE §3)."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.interop.agreements import X509
from tests.interop.likeness import Ask, Call
from tests.interop.seat import Seat
from tests.interop.step import StepFailedError
from tests.interop.tokens import EMPLOYEE
from tests.interop.vendor import NUTS_CONTEXT, VC_CONTEXT, Reply

_NAME = "same-name-1"
_FHIR = "https://records.example/fhir"
_ISSUE = "/vcr/v2/issuer/vc"
_PLACE = re.compile(r"\{([a-z_]+)(?: encoded| escaped)?\}")


def _get(path: str) -> Ask:
    return lambda seat: seat.vendor.send("GET", _filled(seat, path))


def _post(path: str, body: Any) -> Ask:
    return lambda seat: seat.vendor.send("POST", _filled(seat, path), _filled(seat, body))


def _delete(path: str) -> Ask:
    return lambda seat: seat.vendor.send("DELETE", _filled(seat, path))


def _filled(seat: Seat, value: Any) -> Any:
    """Put in what differs between the nodes: ``{did}``, ``{issuer}``, ``{holder}`` and what earlier calls noted.

    A nuts-node wants ids in some paths encoded as a whole (``{… encoded}``) and in others only where they must be (``{… escaped}``).
    """
    match value:
        case str():
            known = {"did": seat.did, "issuer": seat.issuer_did, "holder": seat.holder, "server": seat.server}
            known |= seat.noted
            if value.startswith("{") and value.endswith("}") and value[1:-1] in known:
                return known[value[1:-1]]  # the thing itself, which need not be text
            for name, said in known.items():
                value = value.replace(f"{{{name}}}", str(said))
                value = value.replace(f"{{{name} encoded}}", quote(str(said), safe=""))
                value = value.replace(f"{{{name} escaped}}", quote(str(said), safe=":"))
            if missing := _PLACE.search(value):
                raise StepFailedError(f"an earlier call at {seat.name} gave no {missing[1]}")
            return value
        case dict():
            return {name: _filled(seat, each) for name, each in value.items()}
        case list():
            return [_filled(seat, each) for each in value]
        case _:
            return value


def _noting(ask: Ask, **paths: tuple[str | int, ...]) -> Ask:
    """Return ``ask``, which also notes members of a success by name."""

    async def noting(seat: Seat) -> Reply:
        reply = await ask(seat)
        if not 200 <= reply.status < 300:
            return reply
        for name, path in paths.items():
            value: Any = reply.body
            try:
                for part in path:
                    value = value[part]
            except (LookupError, TypeError):
                continue
            seat.noted[name] = value
        return reply

    return noting


def _issued(**changed: Any) -> Mapping[str, Any]:
    """Return an issuing call's body; a member given as ``None`` is left out."""
    body: dict[str, Any] = {
        "@context": [VC_CONTEXT, NUTS_CONTEXT],
        "type": "NutsOrganizationCredential",
        "issuer": "{issuer}",
        "credentialSubject": {"id": "{did}", "organization": {"name": "De Oever", "city": "Gouda"}},
        "format": "ldp_vc",
        "withStatusList2021Revocation": True,
    } | changed
    return {name: value for name, value in body.items() if value is not None}


def _listed(*differences: str) -> frozenset[str]:
    return frozenset(differences)


def _introspect(token: str, path: str = "introspect") -> Ask:
    return lambda seat: seat.vendor.send("POST", f"/auth/v2/accesstoken/{path}", form={"token": _filled(seat, token)})


_SUBJECT = "/vdr/v2/subject"
_SERVICE = f"{_SUBJECT}/{_NAME}/service"
_TOKEN = "/auth/v2/{holder}/request-service-access-token"
_HOLDER = "/vcr/v2/holder"
_BEYOND = frozenset({"user_evidence"})
"""What an introspection of ours says beside what a nuts-node says."""

_VERIFY = {"verificationOptions": {"allowUntrustedIssuer": True}}

CALLS = (
    # --- vdr/v2 -----------------------------------------------------------------------------------------------------
    Call(id="subject-create", title="makes a subject", ask=_post(_SUBJECT, {"subject": _NAME})),
    Call(id="subject-unnamed", title="makes a subject without a name", ask=_post(_SUBJECT, {})),
    Call(id="subject-again", title="makes a subject that is there", ask=_post(_SUBJECT, {"subject": _NAME})),
    Call(id="subject-bad-name", title="makes a subject with a name that may not be", ask=_post(_SUBJECT, {"subject": "a b"})),
    Call(
        id="subject-encryption", title="makes a subject with an encryption key",
        ask=_post(_SUBJECT, {"subject": "same-name-2", "keys": {"assertionKey": True, "encryptionKey": True}}),
    ),
    Call(id="subject-one", title="lists the DIDs of a subject", ask=_noting(_get(f"{_SUBJECT}/{_NAME}"), own=(0,))),
    Call(id="subject-unknown", title="lists the DIDs of a subject that is not there", ask=_get(f"{_SUBJECT}/nobody")),
    Call(id="service-add", title="adds a service", ask=_noting(
        _post(_SERVICE, {"type": "fhir", "serviceEndpoint": _FHIR}), service=(0, "id"))),
    Call(id="service-again", title="adds the same service again", ask=_post(_SERVICE, {"type": "fhir", "serviceEndpoint": _FHIR})),
    Call(id="service-object", title="adds a service with several endpoints",
         ask=_post(_SERVICE, {"type": "several", "serviceEndpoint": {"a": _FHIR, "b": f"{_FHIR}/2"}})),
    Call(id="service-list", title="lists services", ask=_get(_SERVICE)),
    Call(id="service-of-type", title="finds a service by type", ask=_get(f"{_SERVICE}?type=fhir")),
    Call(id="service-by-endpoint", title="finds services by kind of endpoint", ask=_get(f"{_SERVICE}?endpointType=object")),
    Call(id="service-none", title="finds no service", ask=_get(f"{_SERVICE}?type=other")),
    Call(id="service-nobody", title="lists services of a subject that is not there", ask=_get(f"{_SUBJECT}/nobody/service")),
    Call(id="service-replace", title="replaces a service", ask=_noting(
        _post(f"{_SERVICE}/{{service escaped}}", {"type": "fhir", "serviceEndpoint": f"{_FHIR}/new"}), service=(0, "id"))),
    Call(id="service-remove", title="removes a service", ask=_delete(f"{_SERVICE}/{{service escaped}}")),
    Call(id="service-remove-again", title="removes it again", ask=_delete(f"{_SERVICE}/{{service escaped}}")),
    Call(id="key-add", title="adds a key", ask=_post(f"{_SUBJECT}/{_NAME}/verificationmethod", {"assertionKey": True})),
    Call(id="key-encryption", title="adds an encryption key",
         ask=_post(f"{_SUBJECT}/{_NAME}/verificationmethod", {"encryptionKey": True})),
    Call(id="key-nobody", title="adds a key to a subject that is not there",
         ask=_post(f"{_SUBJECT}/nobody/verificationmethod", {"assertionKey": True})),
    Call(id="did-own", title="resolves an own DID", ask=_get("/vdr/v2/did/{own}")),
    Call(id="did-none", title="resolves what is no DID", ask=_get("/vdr/v2/did/nonsense")),
    Call(id="did-nowhere", title="resolves a DID that is nowhere",
         ask=_get("/vdr/v2/did/did:web:localhost%3A1:iam:00000000-0000-4000-8000-000000000000")),
    Call(id="did-key", title="resolves a did:key",
         ask=_get("/vdr/v2/did/did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")),
    Call(id="subject-deactivate", title="deactivates a subject", ask=_delete(f"{_SUBJECT}/{_NAME}")),
    Call(id="subject-deactivate-again", title="deactivates it again",
         ask=_delete(f"{_SUBJECT}/{_NAME}")),
    Call(id="subject-deactivate-unknown", title="deactivates a subject that is not there", ask=_delete(f"{_SUBJECT}/nobody")),
    Call(id="did-deactivated", title="resolves a deactivated DID",
         ask=_get("/vdr/v2/did/{own}")),
    Call(id="subject-deactivated", title="lists the DIDs of a deactivated subject",
         ask=_get(f"{_SUBJECT}/{_NAME}")),
    # --- vcr/v2: issuer ---------------------------------------------------------------------------------------------
    Call(id="issue-ldp", title="issues a JSON-LD credential", ask=_noting(_post(_ISSUE, _issued()), ldp=(), ldp_id=("id",))),
    Call(id="issue-jwt", title="issues a JWT credential", ask=_noting(_post(_ISSUE, _issued(format="jwt_vc")), jwt=())),
    Call(id="issue-kept", title="issues another", ask=_noting(_post(_ISSUE, _issued()), kept=(), kept_id=("id",))),
    Call(id="issue-default", title="issues in the form it prefers", ask=_post(_ISSUE, _issued(format=None))),
    Call(id="issue-until", title="issues with an end and no status list",
         ask=_post(_ISSUE, _issued(withStatusList2021Revocation=None, expirationDate="2030-01-01T00:00:00Z"))),
    Call(id="issue-no-choice", title="issues without an end and without saying whether it can be revoked",
         ask=_post(_ISSUE, _issued(withStatusList2021Revocation=None))),
    Call(id="issue-undefined", title="issues with a property that no context defines",
         ask=_post(_ISSUE, _issued(credentialSubject={"id": "{did}", "organization": {"name": "a", "city": "b", "x": 1}}))),
    Call(id="issue-incomplete", title="issues an organisation without a city",
         ask=_post(_ISSUE, _issued(credentialSubject={"id": "{did}", "organization": {"name": "a"}}))),
    Call(id="issue-stranger", title="issues as somebody else", ask=_post(_ISSUE, _issued(issuer="did:web:elsewhere.example"))),
    Call(id="issue-no-subject", title="issues about nobody", ask=_post(_ISSUE, _issued(credentialSubject=None))),
    Call(id="issue-no-type", title="issues without a type", ask=_post(_ISSUE, _issued(type=None))),
    Call(id="issue-form", title="issues in a form that is none", ask=_post(_ISSUE, _issued(format="other"))),
    Call(id="issued", title="searches what it issued",
         ask=_get("/vcr/v2/issuer/vc/search?credentialType=NutsOrganizationCredential&issuer={issuer encoded}")),
    Call(id="issued-none", title="searches what it did not issue",
         ask=_get("/vcr/v2/issuer/vc/search?credentialType=OtherCredential&issuer={issuer encoded}")),
    # --- vcr/v2: holder ---------------------------------------------------------------------------------------------
    Call(id="load-ldp", title="loads a JSON-LD credential", ask=_post(f"{_HOLDER}/{{holder}}/vc", "{ldp}")),
    Call(id="load-again", title="loads another", ask=_post(f"{_HOLDER}/{{holder}}/vc", "{kept}")),
    Call(id="load-jwt", title="loads a JWT credential", ask=_post(f"{_HOLDER}/{{holder}}/vc", "{jwt}")),
    Call(id="load-nonsense", title="loads what is no credential", ask=_post(f"{_HOLDER}/{{holder}}/vc", {"type": "x"})),
    Call(id="load-nobody", title="loads into the wallet of a subject that is not there", ask=_post(f"{_HOLDER}/nobody/vc", "{ldp}")),
    Call(id="wallet-nobody", title="lists the wallet of a subject that is not there", ask=_get(f"{_HOLDER}/nobody/vc")),
    Call(id="wallet-search", title="searches a wallet",
         ask=_get(f"{_HOLDER}/{{holder}}/vc/search?credentialType=NutsOrganizationCredential")),
    Call(id="wallet-search-none", title="searches a wallet for what is not in it",
         ask=_get(f"{_HOLDER}/{{holder}}/vc/search?credentialType=OtherCredential")),
    # --- vcr/v2: verifier -------------------------------------------------------------------------------------------
    Call(id="verify", title="verifies a credential", ask=_post("/vcr/v2/verifier/vc", {"verifiableCredential": "{ldp}", **_VERIFY})),
    Call(id="verify-nonsense", title="verifies what is no credential",
         ask=_post("/vcr/v2/verifier/vc", {"verifiableCredential": {"type": "x"}})),
    Call(id="verify-nothing", title="verifies nothing", ask=_post("/vcr/v2/verifier/vc", {}),
         listed=_listed("the status is 400, not 200")),
    Call(id="present-ldp", title="makes a JSON-LD presentation", ask=_noting(
        _post("/vcr/v2/holder/vp", {"verifiableCredentials": ["{ldp}"], "signerDID": "{did}", "format": "ldp_vp",
                                    "domain": "https://a.example", "challenge": "1"}), vp=()),
        more=frozenset({"holder", "proof.expires"})),
    Call(id="present-jwt", title="makes a JWT presentation", ask=_post(
        "/vcr/v2/holder/vp", {"verifiableCredentials": ["{ldp}"], "signerDID": "{did}", "format": "jwt_vp",
                              "domain": "https://a.example", "challenge": "1"})),
    Call(id="present-stranger", title="makes a presentation as somebody else", ask=_post(
        "/vcr/v2/holder/vp", {"verifiableCredentials": ["{ldp}"], "signerDID": "did:web:elsewhere.example"})),
    Call(id="verify-vp", title="verifies a presentation",
         ask=_post("/vcr/v2/verifier/vp", {"verifiablePresentation": "{vp}", "verifyCredentials": True})),
    Call(id="trust", title="trusts an issuer",
         ask=_post("/vcr/v2/verifier/trust", {"issuer": "{issuer}", "credentialType": "NutsOrganizationCredential"})),
    Call(id="trusted", title="lists trusted issuers", ask=_get("/vcr/v2/verifier/NutsOrganizationCredential/trusted")),
    Call(id="untrusted", title="lists issuers that are not trusted", ask=_get("/vcr/v2/verifier/NutsOrganizationCredential/untrusted")),
    Call(id="trusted-unknown", title="lists trusted issuers of a type that nobody issues",
         ask=_get("/vcr/v2/verifier/OtherCredential/trusted")),
    # --- vcr/v2: what ends ------------------------------------------------------------------------------------------
    Call(id="revoke", title="revokes a credential", ask=_delete(f"{_ISSUE}/{{ldp_id encoded}}")),
    Call(id="revoke-again", title="revokes it again", ask=_delete(f"{_ISSUE}/{{ldp_id encoded}}")),
    Call(id="revoke-unknown", title="revokes what it did not issue", ask=_delete(f"{_ISSUE}/{{issuer encoded}}%23none")),
    Call(id="verify-revoked", title="verifies a revoked credential",
         ask=_post("/vcr/v2/verifier/vc", {"verifiableCredential": "{ldp}", **_VERIFY})),
    Call(id="remove", title="takes a credential out of a wallet", ask=_delete(f"{_HOLDER}/{{holder}}/vc/{{kept_id escaped}}")),
    Call(id="remove-again", title="takes it out again", ask=_delete(f"{_HOLDER}/{{holder}}/vc/{{kept_id escaped}}")),
    # --- auth/v2 ----------------------------------------------------------------------------------------------------
    Call(id="token-nobody", title="asks for a token for a subject that is not there", ask=_post(
        "/auth/v2/nobody/request-service-access-token", {"authorization_server": "https://localhost:1/oauth2/x", "scope": "x"})),
    Call(id="token-incomplete", title="asks for a token without saying where", ask=_post(_TOKEN, {"scope": "x"})),
    Call(id="token-issuer-given", title="asks for a token with somebody else's word for it", ask=_post(
        _TOKEN, {"authorization_server": "https://localhost:1/oauth2/x", "scope": "x",
                 "credentials": [{"@context": [VC_CONTEXT], "type": ["VerifiableCredential"], "issuer": "did:web:a.example",
                                  "credentialSubject": {"name": "x"}}]})),
    Call(id="introspect-unknown", title="introspects a token that is not its own", ask=_introspect("x" * 43)),
    Call(id="introspect-nothing", title="introspects nothing", ask=_introspect("")),
    Call(id="introspect-json", title="introspects in JSON", ask=_post("/auth/v2/accesstoken/introspect", {"token": "x"})),
    Call(id="introspect-extended-unknown", title="introspects a token that is not its own, extended",
         ask=_introspect("x" * 43, "introspect_extended")),
    Call(id="proof-unknown", title="makes a proof with a key that is not its own", ask=_post(
        "/auth/v2/dpop/did%3Aweb%3Aa.example%23k", {"htm": "GET", "htu": "https://a.example", "token": "x"})),
    Call(id="proof-nonsense", title="checks a proof that is none", ask=_post(
        "/auth/v2/dpop/validate",
        {"dpop_proof": "x", "method": "GET", "thumbprint": "x", "token": "x", "url": "https://a.example"})),
    Call(id="token-bound", title="gets a bound token", ask=_noting(
        _post(_TOKEN, {"authorization_server": "{server}", "scope": X509, "credentials": [EMPLOYEE]}),
        bound=("access_token",), bound_kid=("dpop_kid",))),
    Call(id="token-bearer", title="gets a Bearer token", ask=_noting(
        _post(_TOKEN, {"authorization_server": "{server}", "scope": X509, "credentials": [EMPLOYEE], "token_type": "bearer"}),
        bearer=("access_token",))),
    Call(id="token-scope", title="asks for a scope that is not there", ask=_post(
        _TOKEN, {"authorization_server": "{server}", "scope": "interop-unknown"})),
    Call(id="token-wallet", title="asks for a scope that its wallet does not satisfy", ask=_post(
        _TOKEN, {"authorization_server": "{server}", "scope": X509})),
    Call(id="token-server", title="asks a server that is not there", ask=_post(
        _TOKEN, {"authorization_server": "https://localhost:1/oauth2/x", "scope": "x"}),
         listed=_listed("the status is 502, not 400", "the status is 502, not 500")),
    Call(id="introspect-bound", title="introspects a bound token", ask=_noting(_introspect("{bound}"), jkt=("cnf", "jkt")),
         more=_BEYOND),
    Call(id="introspect-bearer", title="introspects a Bearer token", ask=_introspect("{bearer}"), more=_BEYOND),
    Call(id="introspect-extended", title="introspects a token, extended", ask=_introspect("{bearer}", "introspect_extended"),
         more=_BEYOND),
    Call(id="proof", title="makes a proof", ask=_noting(
        _post("/auth/v2/dpop/{bound_kid encoded}", {"htm": "GET", "htu": "https://a.example/x", "token": "{bound}"}),
        proof=("dpop",))),
    Call(id="proof-good", title="checks a proof", ask=_post("/auth/v2/dpop/validate", {
        "dpop_proof": "{proof}", "method": "GET", "thumbprint": "{jkt}", "token": "{bound}", "url": "https://a.example/x"})),
    Call(id="proof-again", title="checks a proof again", ask=_post("/auth/v2/dpop/validate", {
        "dpop_proof": "{proof}", "method": "GET", "thumbprint": "{jkt}", "token": "{bound}", "url": "https://a.example/x"})),
    # --- crypto/v1 --------------------------------------------------------------------------------------------------
    Call(id="key-of-holder", title="resolves its own holder", ask=_noting(
        _get("/vdr/v2/did/{did}"), kid=("document", "assertionMethod", 0))),
    Call(id="sign-jwt", title="signs a JWT", ask=_post("/crypto/v1/sign_jwt", {"kid": "{kid}", "claims": {"iss": "x"}})),
    Call(id="sign-jws", title="signs a JWS", ask=_post(
        "/crypto/v1/sign_jws", {"kid": "{kid}", "headers": {"typ": "x"}, "payload": "eA=="})),
    Call(id="sign-detached", title="signs a detached JWS", ask=_post(
        "/crypto/v1/sign_jws", {"kid": "{kid}", "headers": {"typ": "x"}, "payload": "eA==", "detached": True})),
    Call(id="sign-unknown", title="signs with a key that is not its own", ask=_post(
        "/crypto/v1/sign_jwt", {"kid": "did:web:a.example#k", "claims": {"iss": "x"}})),
    Call(id="sign-nothing", title="signs nothing", ask=_post("/crypto/v1/sign_jwt", {"kid": "{kid}"})),
    # --- discovery/v1 -----------------------------------------------------------------------------------------------
    Call(id="services", title="lists discovery services", ask=_get("/discovery/v1")),
    Call(id="search-unknown", title="searches a discovery service that is not there", ask=_get("/discovery/v1/other")),
    Call(id="activate-unknown", title="registers at a discovery service that is not there", ask=_post("/discovery/v1/other/{holder}", {})),
    Call(id="activation-nobody", title="asks whether a subject that is not there is registered",
         ask=_get("/discovery/v1/interop-at-hazel/nobody")),
    Call(id="activation", title="asks whether it is registered", ask=_get("/discovery/v1/interop-at-hazel/{holder}"),
         more=frozenset({"replica", "due_at", "expires_at", "expires_in_ms", "registered_at", "queued"})),
    Call(id="search", title="searches a discovery service", ask=_get("/discovery/v1/interop-at-hazel")),
    Call(id="search-name", title="searches it by a field", ask=_get("/discovery/v1/interop-at-hazel?credentialSubject.subject.L=G*")),
)  # fmt: skip

STEPS = tuple(call.as_step() for call in CALLS)
