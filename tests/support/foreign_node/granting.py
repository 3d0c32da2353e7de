"""The server seat of a foreign node: metadata, definitions, tokens and introspection (WIRE §2.4, §2.5.5, §2.7).

It checks what a nuts-node checks, with its own code; what it refuses, it refuses with the codes of a nuts-node.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from urllib.parse import unquote

from node.ports import HttpClient, HttpRequest
from tests.support.foreign_node.dialect import Dialect
from tests.support.foreign_node.jose import ForeignRefusalError, encoded, opened, thumbprint, verified
from tests.support.foreign_node.tenant import Tenant

SECONDS = 900
_LONGEST = 5
_PATH = re.compile(r"\$\.verifiableCredential(?:\[(\d+)\])?")


class OAuthRefusalError(Exception):
    """A request is refused with this code."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a token stands for."""

    holder: str
    client_id: str
    scope: str
    jkt: str | None
    issued: datetime
    presentation: Any = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Granter:
    """A tenant as an authorization server.

    Attributes:
        definitions: scope -> presentation definition.
        network: for the DID documents of who asks.
        tokens: what was given, by token.
        requests: every form that was posted, with its ``DPoP`` header; ``refused`` why some were refused.
        said_endpoint: the token endpoint that its metadata names, where that is not its own.
    """

    dialect: Dialect
    tenant: Tenant
    definitions: Mapping[str, Mapping[str, Any]]
    network: HttpClient
    now: Callable[[], datetime]
    tokens: dict[str, Granted] = field(default_factory=dict)
    requests: list[Mapping[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    said_endpoint: str | None = None
    _nonces: set[str] = field(default_factory=set)
    _proofs: set[str] = field(default_factory=set)

    def metadata(self) -> dict[str, Any]:
        """What it says about itself."""
        issuer = self.tenant.issuer
        algorithms = {"alg_values_supported": list(self.dialect.algorithms)}
        proofs = {"proof_type_values_supported": ["JsonWebSignature2020"]}
        formats = {"jwt_vc_json": algorithms, "jwt_vp_json": algorithms, "ldp_vc": proofs, "ldp_vp": proofs}
        return {
            "issuer": issuer,
            "response_types_supported": ["code", "vp_token"],
            "response_modes_supported": ["query", "direct_post"],
            "token_endpoint": self.said_endpoint or f"{issuer}/token",
            "grant_types_supported": ["authorization_code", "vp_token-bearer"],
            "pre-authorized_grant_anonymous_access_supported": True,
            "presentation_definition_endpoint": f"{issuer}/presentation_definition",
            "presentation_definition_uri_supported": True,
            "vp_formats_supported": formats,
            "vp_formats": formats,
            "client_id_schemes_supported": ["entity_id"],
            "did_methods_supported": ["web", "jwk", "key", "x509"],
            "dpop_signing_alg_values_supported": list(self.dialect.algorithms),
            "request_object_signing_alg_values_supported": list(self.dialect.algorithms),
            "require_signed_request_object": True,
        }

    def definition(self, scope: str) -> Mapping[str, Any]:
        """What it asks of who wants ``scope``."""
        if scope not in self.definitions:
            raise OAuthRefusalError("invalid_scope", "unsupported scope")
        return self.definitions[scope]

    async def token(self, form: Mapping[str, str], dpop: str | None) -> dict[str, Any]:
        """Answer a token request."""
        self.requests.append({**form, **({} if dpop is None else {"DPoP": dpop})})
        if form.get("grant_type") != "vp_token-bearer":
            raise OAuthRefusalError("unsupported_grant_type", "grant_type is not supported")
        for name in ("client_id", "scope", "assertion", "presentation_submission"):
            if not form.get(name):
                raise OAuthRefusalError("invalid_request", f"missing required parameter: {name}")
        definition = self.definition(form["scope"])
        try:
            holder, presentation = await self._presented(form["assertion"])
            _check_submission(definition, json.loads(form["presentation_submission"]), presentation)
            jkt = None if dpop is None else self.check_proof(dpop, "POST", f"{self.tenant.issuer}/token")
        except (ForeignRefusalError, KeyError, TypeError, ValueError) as error:
            self.refused.append(f"{type(error).__name__}: {error}")
            raise OAuthRefusalError("invalid_request", "presentation is not accepted") from error
        made = token_urlsafe(32)
        self.tokens[made] = Granted(
            holder=holder,
            client_id=form["client_id"],
            scope=form["scope"],
            jkt=jkt,
            issued=self.now(),
            presentation=presentation,
        )
        reply = {"access_token": made, "expires_in": SECONDS, "scope": form["scope"]}
        return {**reply, "token_type": "Bearer"} if jkt is None else {**reply, "token_type": "DPoP", "dpop_kid": ""}

    def introspect(self, token: str) -> dict[str, Any]:
        """Say what a token is worth."""
        found = self.tokens.get(token)
        if found is None or self.now() >= found.issued + timedelta(seconds=SECONDS):
            return {"active": False}
        issued = int(found.issued.timestamp())
        return {
            "active": True,
            "iss": self.tenant.issuer,
            "client_id": found.client_id,
            "scope": found.scope,
            "iat": issued,
            "exp": issued + SECONDS,
            **({} if found.jkt is None else {"cnf": {"jkt": found.jkt}}),
        }

    def check_proof(self, proof: str, method: str, url: str, token: str | None = None) -> str:
        """Check a DPoP proof and return the thumbprint of its key; stricter than a nuts-node at its token endpoint."""
        header, _ = opened(proof)
        jwk = header["jwk"]
        claims = verified(proof, jwk)
        now = int(self.now().timestamp())
        wanted = {"htm": method, "htu": url, **({} if token is None else {"ath": _hash(token)})}
        if header.get("typ") != "dpop+jwt" or "d" in jwk or any(claims.get(name) != wanted[name] for name in wanted):
            raise ForeignRefusalError("the proof is for something else")
        if abs(now - claims["iat"]) > 60 or claims["jti"] in self._proofs or len(claims["jti"]) < 16:
            raise ForeignRefusalError("the proof is old or was used before")
        self._proofs.add(claims["jti"])
        return thumbprint(jwk)

    async def _presented(self, assertion: str) -> tuple[str, Any]:
        """Return the holder of a presentation and the presentation, when it is good."""
        if assertion.startswith("{"):
            said = json.loads(assertion)
            proof = said["proof"]
            made, until = (datetime.fromisoformat(proof[name]) for name in ("created", "expires"))
            self._check_times(made.timestamp(), until.timestamp())
            self._check_nonce(proof["nonce"], proof["domain"])
            if proof["verificationMethod"].partition("#")[0] != said["holder"]:
                raise ForeignRefusalError("the key is not the holder's")
            return str(said["holder"]), said
        header, claims = opened(assertion)
        holder, _, _ = str(header["kid"]).partition("#")
        claims = verified(assertion, await self._key(str(header["kid"])))
        if claims["sub"] != holder:
            raise ForeignRefusalError("the key is not the holder's")
        self._check_times(claims["nbf"], claims["exp"])
        [audience] = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        self._check_nonce(claims["nonce"], audience)
        return holder, claims["vp"]

    def _check_times(self, made: float, until: float) -> None:
        now = self.now().timestamp()
        if until - made > _LONGEST or made > now + self.dialect.skew or until <= now:
            raise ForeignRefusalError("out of its time, or for too long")

    def _check_nonce(self, nonce: str, audience: str) -> None:
        if audience != self.tenant.issuer:
            raise ForeignRefusalError("for another audience")
        if nonce in self._nonces:
            raise ForeignRefusalError("the nonce was used before")
        self._nonces.add(nonce)

    async def _key(self, kid: str) -> Mapping[str, str]:
        """Fetch the document of a did:web and return the key of that id."""
        did, _, _ = kid.partition("#")
        host, *path = did.removeprefix("did:web:").split(":")
        url = f"https://{unquote(host)}/{'/'.join(path)}/did.json"
        answer = await self.network.send(HttpRequest(method="GET", url=url))
        document = json.loads(answer.body)
        if document["id"] != did or kid not in document["assertionMethod"]:
            raise ForeignRefusalError("the key is not in the document")
        found: Mapping[str, str] = next(
            each["publicKeyJwk"] for each in document["verificationMethod"] if each["id"] == kid
        )
        return found


def _check_submission(
    definition: Mapping[str, Any], submission: Mapping[str, Any], presentation: Mapping[str, Any]
) -> None:
    """Look whether every path leads to a credential of the form it names, literally, as both dialects do."""
    if submission["definition_id"] != definition["id"]:
        raise ForeignRefusalError("the submission is for another definition")
    wanted = [each["id"] for each in definition["input_descriptors"]]
    if [each["id"] for each in submission["descriptor_map"]] != wanted:
        raise ForeignRefusalError("not every descriptor is answered")
    held: Any = presentation.get("verifiableCredential", ())
    for line in submission["descriptor_map"]:
        found = _PATH.fullmatch(line["path"])
        if found is None:
            raise ForeignRefusalError("a path that leads nowhere")
        number = found.group(1)
        if (number is None) is isinstance(held, list):
            raise ForeignRefusalError("a path that does not fit the shape of the presentation")
        credential = held if number is None else held[int(number)]
        if line["format"] != ("jwt_vc" if isinstance(credential, str) else "ldp_vc"):
            raise ForeignRefusalError("another form than the submission says")


def kinds_in(presentation: Mapping[str, Any]) -> Sequence[str]:
    """The forms of the credentials in a presentation."""
    held: Any = presentation.get("verifiableCredential", [])
    return ["jwt_vc" if isinstance(each, str) else "ldp_vc" for each in (held if isinstance(held, list) else [held])]


def _hash(token: str) -> str:
    return encoded(hashlib.sha256(token.encode()).digest())
