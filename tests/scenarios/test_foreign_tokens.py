"""Tokens in both directions between Hazel and foreign nodes of both dialects, and what is done with them (WIRE §5, rfc021 and didx509)."""

import pytest

from examples.region.organisations import GOUWE, HOFSTEDE
from examples.region.patients import BSN_SYSTEM, TRUUS
from tests.interop.agreements import AT_HAZEL, JWT, LDP, MANDATE, MIXED, ONE, TWO, X509
from tests.interop.tokens import EMPLOYEE
from tests.scenarios.marks import OPPOSITE
from tests.scenarios.opposite import ISSUER, Opposite
from tests.scenarios.waiting import eventually
from tests.support.foreign_node.asking import Answer
from tests.support.foreign_node.bends import GOOD, Bend
from tests.support.foreign_node.dialect import DIALECTS, MASTER, Dialect
from tests.support.foreign_node.issuing import jwt_credential, registration
from tests.support.foreign_node.jose import opened
from tests.support.foreign_node.tenant import Tenant

pytestmark = OPPOSITE

SCOPES = (X509, JWT, LDP, ONE, MIXED)
both = pytest.mark.parametrize("dialect", DIALECTS, ids=[each.name for each in DIALECTS])


@both
@pytest.mark.parametrize("kind", ["Bearer", "DPoP"])
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_foreign_client_gets_a_token_that_says_who_it_is(
    opposite: Opposite, dialect: Dialect, scope: str, kind: str
) -> None:
    asker = opposite.foreign[dialect.name].asker(HOFSTEDE.key)
    answer = await asker.ask(opposite.server, scope, kind=kind, form="ldp_vp" if scope == LDP else "jwt_vp")
    token = answer.token
    assert (answer.body["token_type"], answer.body["scope"], answer.body["expires_in"]) == (kind, scope, 900)
    assert "no-store" in answer.headers["cache-control"] or answer.headers["pragma"] == "no-cache"
    said = await opposite.vendor.introspect(token)
    assert (said["active"], said["iss"], said["scope"]) == (True, opposite.server, scope)
    assert said["client_id"] == asker.tenant.issuer
    assert said["organization_name"] == HOFSTEDE.name
    assert ("cnf" in said) == (kind == "DPoP")
    assert said.get("organization_ura") == (HOFSTEDE.ura if scope == X509 else None)
    assert said.get("employee_identifier") == (None if scope == ONE else "U-5001")


@both
@pytest.mark.parametrize("kind", ["Bearer", "DPoP"])
@pytest.mark.parametrize("scope", SCOPES)
async def test_hazel_gets_a_token_of_a_foreign_server(
    opposite: Opposite, dialect: Dialect, scope: str, kind: str
) -> None:
    node = opposite.foreign[dialect.name]
    server = node.servers[HOFSTEDE.key]
    credentials = [] if scope == ONE else [EMPLOYEE]
    reply = await opposite.vendor.request_token(
        GOUWE.key, server.tenant.issuer, scope, token_type=kind, credentials=credentials
    )
    assert reply.status == 200, reply.words
    assert (reply.body["token_type"], reply.body["scope"]) == (kind, scope)
    token = str(reply.body["access_token"])
    granted = server.tokens[token]
    assert (granted.holder, granted.client_id) == (opposite.did, opposite.server)
    assert isinstance(granted.presentation.get("proof"), dict) == (scope == LDP)
    if kind == "DPoP":
        url = f"{node.base}/fhir/Patient"
        proof = await opposite.vendor.prove(str(reply.body["dpop_kid"]), "GET", url, token)
        assert server.check_proof(proof, "GET", url, token) == granted.jkt


@both
async def test_a_foreign_client_reads_at_hazels_enforcement_point(opposite: Opposite, dialect: Dialect) -> None:
    node = opposite.foreign[dialect.name]
    asker = node.asker(HOFSTEDE.key)  # the patient is in care there
    tenant = asker.tenant
    stated = registration(tenant.did, node.now(), authServerURL=tenant.issuer, organization_facility_type="J8")
    posted = await asker.register(AT_HAZEL, f"{opposite.public}/discovery/{AT_HAZEL}", [tenant.certified, stated])
    assert posted.status == 201, posted.body
    token = (await asker.ask(opposite.server, X509)).token
    search, wanted = f"{opposite.fhir}/Patient/_search", {"identifier": f"{BSN_SYSTEM}|{TRUUS.bsn}"}

    async def is_known() -> bool:
        return (await asker.read("POST", search, token, form=wanted)).status == 200

    await eventually(is_known, seconds=10)  # the registration has to be seen first
    answer = await asker.read("POST", search, token, form=wanted)
    assert [entry["resource"]["id"] for entry in answer.body["entry"]] == [TRUUS.in_care[GOUWE.key]]


@both
async def test_a_new_key_is_good_at_once_and_the_old_one_can_go(opposite: Opposite, dialect: Dialect) -> None:
    """ops/key-rotation, with the peer as the one who rotates: it signs with the new key from the first moment on."""
    node, tenant = opposite.newcomer(dialect)
    asker = node.asker(tenant.subject)
    assert (await asker.ask(opposite.server, X509)).token
    tenant.add_key(first=True)
    assert (await asker.ask(opposite.server, X509)).token
    tenant.keys.pop()
    assert (await asker.ask(opposite.server, X509)).token


async def test_hazels_new_key_is_good_at_a_foreign_server_at_once(opposite: Opposite) -> None:
    name = "rotating"
    did = await opposite.vendor.create_subject(name)
    node = opposite.foreign[MASTER.name]
    holder = node.tenants[HOFSTEDE.key]
    issuer = node.tenants[ISSUER]
    about = {"organization": {"name": "Roterend", "city": "Gouda"}}
    await opposite.vendor.load(name, jwt_credential(MASTER, issuer, did, about, node.now()))
    for _ in range(2):
        reply = await opposite.vendor.request_token(name, holder.issuer, ONE)
        assert reply.status == 200, reply.words
        await opposite.vendor.add_key(name)


@pytest.mark.parametrize("kind", ["Bearer", "DPoP"])
async def test_a_foreign_client_asks_through_its_service_provider(opposite: Opposite, kind: str) -> None:
    """Two presentations (RFC 7523), as master sends them; with a mandate of somebody else, swapped or alone they earn nothing."""
    node, tenant = opposite.newcomer(MASTER)
    _, provider = opposite.newcomer(MASTER)
    asker, definitions = node.asker(tenant.subject), opposite.agreed.mandated
    who = {"ura": ura_of(tenant), "name": HOFSTEDE.name, "city": HOFSTEDE.city}

    async def ask(issuer: Tenant, bend: Bend = GOOD) -> Answer:
        made = jwt_credential(MASTER, issuer, provider.did, {"organization": who}, node.now(), kind=MANDATE)
        provider.wallet[:] = [made]
        prepared = await asker.prepare_through(provider, opposite.server, TWO, definitions, kind=kind, bend=bend)
        return await asker.post(prepared)

    granted = await ask(tenant)
    said = await opposite.vendor.introspect(granted.token)
    assert (said["active"], said["organization_ura"], said["mandated_by"]) == (True, who["ura"], tenant.did)
    assert granted.body["token_type"] == kind
    for issuer, bend in (
        (provider, GOOD),
        (node.tenants[ISSUER], GOOD),
        (tenant, Bend(form=_swapped)),
        (tenant, Bend(form=lambda form: form.update(client_assertion=""))),
        (tenant, Bend(form=lambda form: form.update(client_assertion=form["assertion"]))),
        (tenant, Bend(form=lambda form: form.update(assertion=form["client_assertion"]))),
    ):
        refused = await ask(issuer, bend)
        assert refused.status in (400, 401), refused
        assert refused.error in ("invalid_request", "invalid_grant", "invalid_client")
        assert "did:" not in str(refused.body)


def _swapped(form: dict[str, str]) -> None:
    form["assertion"], form["client_assertion"] = form["client_assertion"], form["assertion"]


def ura_of(tenant: Tenant) -> str:
    """The number in the certificate of a tenant, as its X509Credential says it."""
    return str(opened(tenant.certified)[1]["vc"]["credentialSubject"]["san"]["otherName"]).split("-")[-3]
