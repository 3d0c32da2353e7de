"""Whole nodes in one process, opposite each other over a simulated internet: the setting of the tests in this folder."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives import serialization

from credentials.did.identifier import DID
from credentials.encoding import b64url_encode
from credentials.jws import compact_json, sign_jws
from credentials.keys import KeyId, SoftwareKey
from credentials.query.definition import PresentationDefinition
from credentials.vc.credential import NUTS_CONTEXT
from credentials.vc.issue import issue_x509_credential, self_attested
from node.identity.boundary import as_request_error as identity_error
from node.identity.credential_seal import CredentialSeal
from node.identity.key_changes import KeyChanges
from node.identity.resolver import DidResolver
from node.identity.routes import CLOCK, PUBLIC_URL, RESOLVER, SUBJECTS, WALLET
from node.identity.routes import internal_routes as identity_internal
from node.identity.routes import public_routes as identity_public
from node.identity.services import Services
from node.identity.subjects import Subjects
from node.identity.vdr_routes import KEY_CHANGES, SERVICES
from node.identity.wallet import Wallet
from node.oauth.boundary import PREFIXES, as_oauth_reply
from node.oauth.boundary import as_request_error as oauth_error
from node.oauth.definitions import Definitions, ScopePolicy
from node.oauth.exchange import TokenService
from node.oauth.explaining import WalletExplainer
from node.oauth.further_scopes import FurtherScopes
from node.oauth.given import GIVEN, GivenTokens
from node.oauth.introspect import Introspection
from node.oauth.metadata import issuer_url
from node.oauth.nonces import ServerNonces
from node.oauth.refusals import RefusalCounter
from node.oauth.requester import TokenRequester
from node.oauth.resource import ResourceGuard
from node.oauth.routes import (
    BODIES_AT_ONCE,
    DEFINITIONS,
    INTROSPECTION,
    REQUESTER,
    REQUESTS_AT_ONCE,
    REQUESTS_OF_ONE,
    TOKEN_BODIES,
    TOKEN_REQUESTS,
    TOKENS,
    WALLET_EXPLAINER,
    internal_routes,
    public_routes,
)
from node.oauth.store import SqlTokenStore
from node.storage.database import open_database
from node.storage.schema import metadata
from node.verification.verifier import Verifier
from node.web.boundary import boundary
from node.web.limits import AtOnce
from tests.support.certificates import Uzi, a_uzi_chain
from tests.support.world import FixedEntropy, ManualClock, MemoryVault, RecordingAuditLog, SimulatedInternet, serve

SCOPE = "HuisartsVVTInzage"
HOLDER_URL = "https://wending.example"
HOLDER = f"{HOLDER_URL}/oauth2/wending"
ASKER_URL = "https://oever.example"


def _both(path: str) -> list[str]:
    return [f"$.credentialSubject[0].{path}", f"$.credentialSubject.{path}"]


def organization_definition(*uzis: Uzi) -> dict[str, Any]:
    """The definition of the shipped use cases: an organisation by its certificate, and one of its people."""
    roots = [each.certificates[-1].public_bytes(serialization.Encoding.DER) for each in uzis or (a_uzi_chain(),)]
    hashes = "|".join(b64url_encode(hashlib.sha256(root).digest()) for root in roots)
    return {
        "id": "pd_organization",
        "format": {
            "jwt_vp": {"alg": ["ES256"]},
            "jwt_vc": {"alg": ["PS256", "ES256"]},
            "ldp_vc": {"proof_type": ["JsonWebSignature2020"]},
        },
        "input_descriptors": [
            {
                "id": "id_x509credential",
                "constraints": {
                    "fields": [
                        {"path": ["$.type"], "filter": {"type": "string", "const": "X509Credential"}},
                        {
                            "path": ["$.issuer"],
                            "filter": {"type": "string", "pattern": f"^did:x509:0:sha256:(?:{hashes})::.*$"},
                        },
                        {
                            "id": "organization_ura",
                            "path": _both("san.otherName"),
                            "filter": {"type": "string", "pattern": r"^[0-9.]+-\d+-\d+-S-(\d+)-00\.000-\d+$"},
                        },
                        {"id": "organization_name", "path": _both("subject.O"), "filter": {"type": "string"}},
                        {"id": "organization_city", "path": _both("subject.L"), "filter": {"type": "string"}},
                    ]
                },
            },
            {
                "id": "id_employeecredential",
                "constraints": {
                    "fields": [
                        {"path": ["$.type"], "filter": {"type": "string", "const": "NutsEmployeeCredential"}},
                        {"id": "employee_identifier", "path": _both("identifier"), "filter": {"type": "string"}},
                        {"id": "employee_name", "path": _both("name"), "filter": {"type": "string"}},
                        {"id": "employee_role", "path": _both("roleName"), "filter": {"type": "string"}},
                    ]
                },
            },
        ],
    }


@dataclass(slots=True, kw_only=True)
class NodeUnderTest:
    """One node with its parts, its public side on the simulated internet."""

    url: str
    clock: ManualClock
    entropy: FixedEntropy
    vault: MemoryVault
    audit: RecordingAuditLog
    subjects: Subjects
    wallet: Wallet
    resolver: DidResolver
    store: SqlTokenStore
    refusals: RefusalCounter
    tokens: TokenService
    requester: TokenRequester
    guard: ResourceGuard
    introspection: Introspection
    given: GivenTokens
    public: TestClient[web.Request, web.Application]
    internal: TestClient[web.Request, web.Application]

    def issuer(self, subject: str) -> str:
        """Issuer URL of a subject."""
        return issuer_url(self.url, subject)

    async def found(self, subject: str, uzi: Uzi | None = None) -> DID:
        """Make an organisation; with a certificate its X509Credential is in the wallet."""
        did = (await self.subjects.create(subject)).dids[0]
        if uzi is not None:
            raw = issue_x509_credential(
                chain=uzi.chain,
                key=uzi.key,
                subject_id=did,
                credential_id=self.entropy.uuid(),
                now=self.clock.now(),
            )
            await self.wallet.load(subject, raw, self.clock.now())
        return did


_made: list[bytes] = []


async def _empty_database(folder: Path) -> bytes:
    """A database file with every table and nothing in it; made once, since making it takes longer than a test."""
    if not _made:
        async with (
            open_database(f"sqlite+aiosqlite:///{folder / 'empty.db'}") as database,
            database.engine.begin() as connection,
        ):
            await connection.run_sync(metadata.create_all)
        _made.append((folder / "empty.db").read_bytes())
    return _made[0]


@asynccontextmanager
async def a_node(
    internet: SimulatedInternet,
    url: str,
    folder: Path,
    clock: ManualClock,
    definitions: Mapping[str, Mapping[str, dict[str, Any]]] | None = None,
    policies: Mapping[str, ScopePolicy] | None = None,
    decision_point: str | None = None,
) -> AsyncIterator[NodeUnderTest]:
    """Open a node at ``url``."""
    name = url.removeprefix("https://").replace("/", "_").replace(":", "_")
    entropy, vault, audit = FixedEntropy(url), MemoryVault(), RecordingAuditLog()
    path = folder / f"{name}.db"
    path.write_bytes(await _empty_database(folder))
    async with open_database(f"sqlite+aiosqlite:///{path}") as database:
        parsed = Definitions(
            {
                scope: {owner: PresentationDefinition.parse(each) for owner, each in owners.items()}
                for scope, owners in (definitions or {SCOPE: {"organization": organization_definition()}}).items()
            },
            policies,
        )
        subjects = Subjects(database, vault, clock, entropy, url)
        wallet = Wallet(database, subjects, clock, CredentialSeal.of(vault, "wallet", FixedEntropy("seal")))
        resolver = DidResolver(subjects, internet, clock, url)
        store = SqlTokenStore(database, audit)
        refusals = RefusalCounter(clock)
        nonces = ServerNonces(vault.secret("seal"))
        verifier = Verifier(resolver=resolver, peers=internet, clock=clock)
        tokens = TokenService(
            subjects=subjects,
            verifier=verifier,
            definitions=parsed,
            further=FurtherScopes(internet, decision_point),
            store=store,
            audit=audit,
            refusals=refusals,
            nonces=nonces,
            clock=clock,
            entropy=entropy,
            public_url=url,
        )
        requester = TokenRequester(
            subjects=subjects,
            wallet=wallet,
            definitions=parsed,
            peers=internet,
            clock=clock,
            entropy=entropy,
            public_url=url,
        )
        introspection = Introspection(
            store=store,
            standing=verifier,
            definitions=parsed,
            subjects=subjects,
            vault=vault,
            audit=audit,
            clock=clock,
            entropy=entropy,
            nonces=nonces,
            public_url=url,
        )
        given = GivenTokens(store, subjects, audit, clock)
        subjects.on_deactivate.append(given.end_of_subject)
        translations = (identity_error, oauth_error)
        public = web.Application(middlewares=[boundary([(each, as_oauth_reply) for each in PREFIXES], translations)])
        public.add_routes([*identity_public(), *public_routes()])
        internal = web.Application(middlewares=[boundary([], translations)])
        internal.add_routes([*identity_internal(), *internal_routes()])
        for app in (public, internal):
            app[SUBJECTS], app[WALLET], app[RESOLVER] = subjects, wallet, resolver
            app[SERVICES] = Services(database, subjects, clock)
            app[KEY_CHANGES] = KeyChanges(database, subjects, vault, clock, entropy)
            app[PUBLIC_URL], app[CLOCK], app[DEFINITIONS] = url, clock, parsed
            app[TOKENS], app[INTROSPECTION], app[REQUESTER] = tokens, introspection, requester
            app[TOKEN_REQUESTS] = AtOnce(most=REQUESTS_AT_ONCE, each=REQUESTS_OF_ONE)
            app[TOKEN_BODIES] = AtOnce(most=BODIES_AT_ONCE, each=REQUESTS_OF_ONE)
            app[GIVEN] = given
            app[WALLET_EXPLAINER] = WalletExplainer(
                definitions=parsed,
                servers=requester.servers,
                subjects=subjects,
                wallet=wallet,
                clock=clock,
                entropy=entropy,
            )
        async with serve(internet, url, public) as public_client, TestClient(TestServer(internal)) as internal_client:
            yield NodeUnderTest(
                url=url,
                clock=clock,
                entropy=entropy,
                vault=vault,
                audit=audit,
                subjects=subjects,
                wallet=wallet,
                resolver=resolver,
                store=store,
                refusals=refusals,
                tokens=tokens,
                requester=requester,
                guard=ResourceGuard(store, clock, verifier, nonces),
                introspection=introspection,
                given=given,
                public=public_client,
                internal=internal_client,
            )


@dataclass(slots=True, kw_only=True)
class Stranger:
    """A foreign asker that signs whatever it likes: claims and form parameters can be bent one at a time."""

    did: DID
    key: SoftwareKey
    x509_credential: str
    clock: ManualClock
    entropy: FixedEntropy = field(default_factory=lambda: FixedEntropy("stranger"))

    @classmethod
    async def of(cls, node: NodeUnderTest, subject: str) -> "Stranger":
        """Act as ``subject`` of ``node``, with its real key and credential."""
        did = (await node.subjects.get(subject)).dids[0]
        held = await node.wallet.credentials(subject)
        key = next(each for kid, each in node.vault.keys.items() if kid.startswith(f"{did}#"))
        return cls(did=did, key=key, x509_credential=str(held[0].raw) if held else "", clock=node.clock)

    def employee(self, holder: DID | None = None) -> dict[str, Any]:
        """A self-attested employee credential."""
        return self_attested(
            holder=holder or self.did,
            types=("NutsEmployeeCredential",),
            subject={"identifier": "U-1001", "name": "J. Jansen", "roleName": "01.015"},
            credential_id=self.entropy.uuid(),
            now=self.clock.now(),
            contexts=(NUTS_CONTEXT,),
        )

    def presentation(
        self,
        *,
        credentials: list[Any] | None = None,
        key: SoftwareKey | None = None,
        header: Mapping[str, Any] | None = None,
        lifetime: int = 5,
        **claims: Any,
    ) -> str:
        """A compact presentation; ``claims`` replace the good ones, None leaves one out."""
        issued = int(self.clock.now().timestamp()) - 1
        body = {
            "iss": self.did,
            "sub": self.did,
            "jti": f"{self.did}#{self.entropy.uuid()}",
            "aud": [HOLDER],
            "nbf": issued,
            "iat": issued,
            "exp": issued + lifetime,
            "nonce": b64url_encode(self.entropy.token(32)),
            "vp": {
                "@context": ["https://www.w3.org/2018/credentials/v1"],
                "type": ["VerifiablePresentation"],
                "verifiableCredential": (
                    [self.x509_credential, self.employee()] if credentials is None else credentials
                ),
            },
        } | claims
        body = {name: value for name, value in body.items() if value is not None}
        return sign_jws({"typ": "JWT", **(header or {})}, compact_json(body), key or self.key)

    def submission(self, **members: Any) -> str:
        """A presentation submission for the two credentials; ``members`` replace the good ones."""
        return json.dumps(
            {
                "id": self.entropy.uuid(),
                "definition_id": "pd_organization",
                "descriptor_map": [
                    {"id": "id_x509credential", "format": "jwt_vc", "path": "$.verifiableCredential[0]"},
                    {"id": "id_employeecredential", "format": "ldp_vc", "path": "$.verifiableCredential[1]"},
                ],
            }
            | members
        )

    def form(self, **parameters: Any) -> dict[str, str]:
        """A good token request; ``parameters`` replace, None leaves one out."""
        form = {
            "grant_type": "vp_token-bearer",
            "client_id": f"{ASKER_URL}/oauth2/oever",
            "scope": SCOPE,
            "assertion": parameters.pop("assertion", None) or self.presentation(),
            "presentation_submission": self.submission(),
        } | parameters
        return {name: value for name, value in form.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a token endpoint said."""

    status: int
    body: dict[str, Any]
    text: str
    headers: Mapping[str, str]


async def post_token(
    node: NodeUnderTest,
    form: Mapping[str, str] | list[tuple[str, str]] | bytes,
    *,
    subject: str = "wending",
    dpop: str | list[str] | None = None,
) -> Answer:
    """Post a token request."""
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    headers += [("DPoP", each) for each in ([dpop] if isinstance(dpop, str) else dpop or [])]
    data = form if isinstance(form, bytes) else urlencode(form).encode()
    async with node.public.post(f"/oauth2/{subject}/token", data=data, headers=headers) as answer:
        text = await answer.text()
        return Answer(status=answer.status, body=json.loads(text), text=text, headers=dict(answer.headers))


def a_foreign_key(did: DID) -> SoftwareKey:
    """A key that claims to be of ``did`` and is not."""
    return SoftwareKey.generate(KeyId(f"{did}#other"))


def soon(clock: ManualClock, seconds: float) -> datetime:
    """The time in ``seconds``."""
    return clock.now() + timedelta(seconds=seconds)
