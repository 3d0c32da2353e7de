"""Steps about access tokens: ours at the other's authorization server, of both kinds and with every form of presentation."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.interop.agreements import JWT, LDP, MANDATE, MIXED, ONE, TWO, X509
from tests.interop.seat import Seat
from tests.interop.step import NotOfferedError, Step, StepFailedError, expect, require
from tests.interop.vendor import NUTS_CONTEXT, VC_CONTEXT, Reply

_CHAPTER = "Access tokens"
_PERSON = {"identifier": "U-5001", "name": "A. Smit", "roleName": "17.000"}
EMPLOYEE: Mapping[str, Any] = {
    "@context": [VC_CONTEXT, NUTS_CONTEXT],
    "type": ["VerifiableCredential", "NutsEmployeeCredential"],
    "credentialSubject": _PERSON,
}
_SECONDS = 900
_NUTS_2024 = "https://nuts.nl/credentials/2024"
_OF_SCOPE = {
    X509: ("a JWT presentation of its X509Credential and an employee", ()),
    JWT: ("a JWT presentation of a JWT credential and an employee", ("load-jwt_vc",)),
    ONE: ("a JWT presentation of one JWT credential alone", ("load-jwt_vc",)),
    MIXED: ("a JWT presentation of a JSON-LD credential and an employee", ("load-ldp_vc",)),
    LDP: ("a JSON-LD presentation of a JSON-LD credential and an employee", ("load-ldp_vc",)),
}


async def ask(acting: Seat, other: Seat, scope: str, kind: str, *, fresh: bool = True) -> Reply:
    """Let our node ask the other's for a token."""
    credentials = () if scope == ONE else (EMPLOYEE,)
    return await acting.vendor.request_token(
        acting.holder, other.server, scope, token_type=kind, credentials=credentials, fresh=fresh
    )


async def get(acting: Seat, other: Seat, scope: str, kind: str, *, fresh: bool = True) -> Mapping[str, Any]:
    """Do so and return the reply of a success."""
    reply = await ask(acting, other, scope, kind, fresh=fresh)
    if reply.status != 200:
        raise StepFailedError(f"no token: {reply.words}")
    return dict(reply.body)


def _gets(scope: str, kind: str) -> Callable[[Seat, Seat], Awaitable[str]]:
    async def gets(acting: Seat, other: Seat) -> str:
        """We get a token of the kind asked for, and the other knows by it who we are and what we may."""
        token = await get(acting, other, scope, kind)
        expect("the kind of token", token["token_type"], kind)
        expect("the scope", token.get("scope"), scope)
        require(
            f"it lasts 900 s (it says {token['expires_in']})", holds=_SECONDS - 5 <= token["expires_in"] <= _SECONDS
        )
        said = await other.vendor.introspect(token["access_token"])
        expect("active", said["active"], wanted=True)
        expect("the issuer", said["iss"], other.server)
        expect("the client", said["client_id"], acting.server)
        expect("the scope in the introspection", said["scope"], scope)
        expect("the lifetime", said["exp"] - said["iat"], _SECONDS)
        expect("whether it is bound to a key", "cnf" in said, kind == "DPoP")
        for name, value in _claims(acting, scope).items():
            expect(name, said.get(name), value)
        return f"{kind}, {len(_claims(acting, scope))} claims"

    return gets


def _claims(acting: Seat, scope: str) -> Mapping[str, str]:
    """What an introspection must say about us."""
    claims = {"organization_name": acting.organisation["name"], "organization_city": acting.organisation["city"]}
    if scope == X509:
        claims["organization_ura"] = acting.organisation["ura"]
    if scope != ONE:
        claims |= {f"employee_{name.removesuffix('Name')}": value for name, value in _PERSON.items()}
    return claims


async def selects(acting: Seat, other: Seat) -> str:
    """Two credentials fit; the vendor says which of them is meant, by the value of a field."""
    if acting.version.startswith("v6."):
        raise NotOfferedError("newer than this version")
    name = "several"
    holder = await acting.vendor.create_subject(name)
    names = ("Locatie Noord", "Locatie Zuid")
    for each in names:
        subject = {"id": holder, "organization": {"name": each, "city": "Gouda"}}
        made = await other.vendor.issue(other.issuer_did, "NutsOrganizationCredential", subject, form="jwt_vc")
        await acting.vendor.load(name, made)
    for each in names:
        reply = await acting.vendor.request_token(name, other.server, ONE, selection={"organization_name": each})
        if reply.status != 200:
            raise StepFailedError(f"no token for {each}: {reply.words}")
        said = await other.vendor.introspect(str(reply.body["access_token"]))
        expect("organization_name", said.get("organization_name"), each)
    return "each of two"


async def acts_through_a_provider(acting: Seat, other: Seat) -> str:
    """A service provider asks for our holder, with a mandate of it; with a mandate of somebody else it gets nothing."""
    if acting.version.startswith("v6."):
        raise NotOfferedError("newer than this version")
    name = "dienstverlener"
    provider = await acting.vendor.create_subject(name)
    who = {name: acting.organisation[name] for name in ("ura", "name", "city")}

    async def mandate(issuer: str) -> None:
        about = {"id": provider, "organization": who}
        made = await acting.vendor.issue(issuer, MANDATE, about, form="jwt_vc", contexts=[_NUTS_2024])
        await acting.vendor.load(name, made)

    await mandate(acting.issuer_did)
    reply = await acting.vendor.request_token(acting.holder, other.server, TWO, provider=name)
    expect("the status without a mandate of the organisation's", reply.status, 412)
    await mandate(acting.did)
    for kind in ("Bearer", "DPoP"):
        reply = await acting.vendor.request_token(acting.holder, other.server, TWO, provider=name, token_type=kind)
        if reply.status != 200:
            raise StepFailedError(f"no {kind} token: {reply.words}")
        said = await other.vendor.introspect(str(reply.body["access_token"]))
        expect("active", said["active"], wanted=True)
        expect("organization_ura", said.get("organization_ura"), acting.organisation["ura"])
        expect("mandated_by", said.get("mandated_by"), acting.did)
    return "Bearer and DPoP"


async def proves(acting: Seat, other: Seat) -> str:
    """A proof made by our node is good once at the other's, for one request and token."""
    token = await get(acting, other, X509, "DPoP")
    value, url = str(token["access_token"]), f"{other.public}/fhir/Patient"
    said = await other.vendor.introspect(value)
    thumbprint = str(said["cnf"]["jkt"])

    async def check(proof: str, method: str = "GET", address: str = url) -> tuple[bool, str]:
        return await other.vendor.check_proof(proof, method, address, value, thumbprint)

    async def proof() -> str:
        return await acting.vendor.prove(str(token["dpop_kid"]), "GET", url, value)

    first = await proof()
    valid, why = await check(first)
    require(f"a proof is valid ({why})", holds=valid)
    for what, (valid, _) in {
        "the same again": await check(first),
        "for another method": await check(await proof(), method="POST"),
        "for another address": await check(await proof(), address=f"{url}/1"),
    }.items():
        require(f"{what} it is refused", holds=not valid)
    return "good once"


async def remembers(acting: Seat, other: Seat) -> str:
    """Asked again, our node gives the token that it has; told not to, a new one."""
    tokens = [(await get(acting, other, X509, "Bearer", fresh=fresh))["access_token"] for fresh in (False, False, True)]
    expect("that the second is the first", tokens[0] == tokens[1], wanted=True)
    expect("that the third is new", tokens[2] == tokens[1], wanted=False)
    return "cached"


async def is_refused_a_scope(acting: Seat, other: Seat) -> str:
    """A scope that the other does not know ends in an error that names no cause of the other's."""
    reply = await ask(acting, other, "interop-unknown", "Bearer")
    require(f"it is an error (it was answered with {reply.status})", holds=reply.status >= 400)
    return reply.words[:3]


async def is_told_what_lacks(acting: Seat, other: Seat) -> str:
    """Without the employee nothing in our wallet fits: 412, and the other is not asked for a token."""
    reply = await acting.vendor.request_token(acting.holder, other.server, X509)
    expect("the status", reply.status, 412)
    return "412"


async def knows_no_other_token(acting: Seat, other: Seat) -> str:
    """The other's token means nothing here."""
    token = await get(acting, other, X509, "Bearer")
    said = await acting.vendor.introspect(str(token["access_token"]))
    expect("what it is worth here", dict(said), {"active": False})
    return "inactive"


async def explains(acting: Seat, other: Seat) -> str:
    """The other can show by which presentation a token was earned."""
    token = await get(acting, other, X509, "Bearer")
    said = await other.vendor.introspect(str(token["access_token"]), extended=True)
    for name in ("vps", "presentation_definitions", "presentation_submissions"):
        require(f"the extended introspection has {name}", holds=bool(said.get(name)))
    return f"{len(said['vps'])} presentation"


STEPS = (
    *(
        Step(
            id=f"token-{scope.removeprefix('interop-')}-{kind.lower()}",
            chapter=_CHAPTER,
            title=f"gets a {kind} token for {what}",
            run=_gets(scope, kind),
            needs=needs,
        )
        for scope, (what, needs) in _OF_SCOPE.items()
        for kind in ("Bearer", "DPoP")
    ),
    Step(
        id="token-selected", chapter=_CHAPTER, title="presents the one of two credentials that its vendor selects",
        run=selects, needs=("load-jwt_vc",),
    ),
    Step(
        id="token-two", chapter=_CHAPTER, title="asks through its service provider, with two presentations (RFC 7523)",
        run=acts_through_a_provider, needs=("token-x509-bearer",), sides=("nuts-node",),
    ),
    Step(
        id="token-proof", chapter=_CHAPTER, title="makes a DPoP proof that is good at the other, once and for one request",
        run=proves, needs=("token-x509-dpop",),
    ),
    Step(
        id="token-cache", chapter=_CHAPTER, title="gives the token it has when asked again, a new one with no-cache",
        run=remembers, needs=("token-x509-bearer",),
    ),
    Step(
        id="token-extended", chapter=_CHAPTER, title="gets a token whose presentation the other can show",
        run=explains, needs=("token-x509-bearer",),
    ),
    Step(
        id="token-elsewhere", chapter=_CHAPTER, title="says that the other's token is worth nothing here",
        run=knows_no_other_token, needs=("token-x509-bearer",),
    ),
    Step(id="token-no-match", chapter=_CHAPTER, title="says 412 when the wallet does not fit", run=is_told_what_lacks),
    Step(
        id="token-no-scope", chapter=_CHAPTER, title="reports an error for a scope that the other does not know",
        run=is_refused_a_scope,
    ),
)  # fmt: skip
