"""What foreign clients try at Hazel's token endpoint and at its data: everything wrong is refused, and said no more of than a code."""

import asyncio
from datetime import timedelta

import pytest

from examples.region.organisations import GOUWE, HOFSTEDE
from examples.region.patients import BSN_SYSTEM, TRUUS
from node.oauth.messages import oauth_error_code
from tests.interop.agreements import ONE, X509
from tests.scenarios.marks import OPPOSITE
from tests.scenarios.opposite import Opposite
from tests.support.foreign_node.asking import Answer, Asker
from tests.support.foreign_node.bends import BENDS, presented
from tests.support.foreign_node.dialect import DIALECTS, MASTER, RELEASE, Dialect

pytestmark = OPPOSITE

CONNECTIONS = 50
OF_PROOFS = {"invalid_dpop_proof", "use_dpop_nonce"}
CODES = {"invalid_request", "invalid_scope", "unsupported_grant_type", *OF_PROOFS}
SEARCH = {"identifier": f"{BSN_SYSTEM}|{TRUUS.bsn}"}
both = pytest.mark.parametrize("dialect", DIALECTS, ids=[each.name for each in DIALECTS])


def client(opposite: Opposite, dialect: Dialect) -> Asker:
    return opposite.foreign[dialect.name].asker(HOFSTEDE.key)


def assert_refused(answer: Answer) -> None:
    """A refusal in JSON, with a code that is registered, and nothing in it that the caller sent."""
    assert answer.status == 400, answer
    assert answer.headers["content-type"].startswith("application/json")
    assert set(answer.body) == {"error", "error_description"}
    assert answer.error in CODES
    assert oauth_error_code(b'{"error":"%s"}' % answer.error.encode()) == answer.error
    assert "did:" not in str(answer.body)
    assert "elsewhere" not in str(answer.body)


@both
@pytest.mark.parametrize("name", BENDS)
async def test_a_request_with_one_thing_wrong_is_refused(opposite: Opposite, dialect: Dialect, name: str) -> None:
    answer = await client(opposite, dialect).ask(opposite.server, X509, bend=BENDS[name])
    assert_refused(answer)
    assert (answer.error in OF_PROOFS) == name.startswith("a proof")


@both
async def test_a_presentation_posted_from_50_connections_earns_one_token(opposite: Opposite, dialect: Dialect) -> None:
    asker = client(opposite, dialect)
    prepared = await asker.prepare(opposite.server, X509, kind="Bearer")
    answers = await asyncio.gather(*(asker.post(prepared) for _ in range(CONNECTIONS)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * (CONNECTIONS - 1)
    for answer in answers:
        if answer.status != 200:
            assert_refused(answer)


async def test_a_proof_sent_from_50_connections_opens_the_door_once(opposite: Opposite) -> None:
    asker = client(opposite, MASTER)
    token = (await asker.ask(opposite.server, X509)).token
    url = f"{opposite.fhir}/Patient/_search"
    proof = asker.proof("POST", url, token)
    answers = await asyncio.gather(
        *(asker.read("POST", url, token, form=SEARCH, proof=proof) for _ in range(CONNECTIONS))
    )
    statuses = [answer.status for answer in answers]
    assert statuses.count(401) == CONNECTIONS - 1  # the others did not prove who they are
    assert {200, 403} & set(statuses)  # the first one did, whether it may see anybody or not


async def test_the_same_presentation_earns_nothing_later_with_another_proof(opposite: Opposite) -> None:
    asker = client(opposite, MASTER)
    first = await asker.prepare(opposite.server, X509)
    assert (await asker.post(first)).token
    assert_refused(await asker.post(first))
    second = await asker.prepare(opposite.server, X509)
    swapped = type(first)(url=first.url, form=first.form, headers=second.headers)
    assert_refused(await asker.post(swapped))


@both
async def test_somebody_elses_presentation_or_credential_earns_nothing(opposite: Opposite, dialect: Dialect) -> None:
    """Swapped: the thief's proof with the victim's presentation binds the token to the thief's key, which is not the holder's."""
    victim, (node, thief_tenant) = client(opposite, dialect), opposite.newcomer(dialect)
    thief = node.asker(thief_tenant.subject)
    stolen = presented([victim.tenant.certified, thief.tenant.wallet[0]])
    assert_refused(await thief.ask(opposite.server, ONE, bend=presented([victim.tenant.wallet[0]])))
    assert_refused(await thief.ask(opposite.server, X509, bend=stolen))


@both
async def test_what_was_shown_to_another_server_is_worth_nothing_here(opposite: Opposite, dialect: Dialect) -> None:
    """Audience confusion: a server that was shown our neighbour's presentation posts it here as its own."""
    asker = client(opposite, dialect)
    elsewhere = opposite.foreign[dialect.name].tenants[HOFSTEDE.key].issuer
    shown = await asker.prepare(elsewhere, X509)
    here = await asker.prepare(opposite.server, X509)
    assert_refused(await asker.post(type(here)(url=here.url, form=shown.form, headers=here.headers)))


@both
async def test_a_stolen_token_opens_nothing(opposite: Opposite, dialect: Dialect) -> None:
    """With another key's proof, as Bearer, without a proof, with a proof for another token or address: always the same 401.

    Only an old proof of the right key is told more: which nonce a new one has to hold.
    """
    asker, (node, thief_tenant) = client(opposite, dialect), opposite.newcomer(dialect)
    thief = node.asker(thief_tenant.subject)
    token = (await asker.ask(opposite.server, X509)).token
    own = (await thief.ask(opposite.server, X509)).token
    url = f"{opposite.fhir}/Patient/_search"
    tried = {
        "another key": thief.proof("POST", url, token),
        "another token": asker.proof("POST", url, own),
        "another method": asker.proof("GET", url, token),
        "another address": asker.proof("POST", f"{opposite.fhir}/Observation", token),
        "no token in it": asker.proof("POST", url, token, ath=None),
        "an old one": asker.proof("POST", url, token, iat=int((asker.now() - timedelta(hours=1)).timestamp())),
    }
    answers = {what: await asker.read("POST", url, token, form=SEARCH, proof=proof) for what, proof in tried.items()}
    for what, headers in {
        "as Bearer": {"Authorization": f"Bearer {token}"},
        "without a proof": {"Authorization": f"DPoP {token}"},
        "as Bearer with a proof": {"Authorization": f"Bearer {token}", "DPoP": asker.proof("POST", url, token)},
    }.items():
        answers[what] = await asker.send("GET", url.replace("/_search", ""), headers=headers)
    assert {what: answer.status for what, answer in answers.items()} == dict.fromkeys(answers, 401)
    assert len({str(answer.body) for answer in answers.values()}) == 1
    assert 'error="use_dpop_nonce"' in answers.pop("an old one").headers["www-authenticate"]
    assert len({answer.headers["www-authenticate"] for answer in answers.values()}) == 1


async def test_a_credential_that_was_revoked_earns_nothing(opposite: Opposite) -> None:
    """statuslist2021: the issuer is a foreign node."""
    node, tenant = opposite.newcomer(RELEASE)
    [issuer] = [each for each in node.lists.values() if f"{each.issuer.did}#" in str(tenant.wallet[1]["id"])]
    issuer.revoked |= {0, 1}
    assert_refused(await node.asker(tenant.subject).ask(opposite.server, ONE))
    said = await opposite.vendor.verify_credential(tenant.wallet[1])
    assert said[0] is False


async def test_what_hazel_revokes_is_on_its_list_for_everybody(opposite: Opposite) -> None:
    """statuslist2021: the issuer is Hazel, and who reads its list is foreign."""
    node, tenant = opposite.newcomer(MASTER)
    did = opposite.did
    made = [
        await opposite.vendor.issue(
            did, "NutsOrganizationCredential", {"id": tenant.did, "organization": {"name": "x", "city": "y"}}, form=form
        )
        for form in ("ldp_vc", "ldp_vc")
    ]
    entries = [each["credentialStatus"] for each in made]
    reader = node.asker(tenant.subject)
    assert [await reader.is_revoked(entry, issuer=did) for entry in entries] == [False, False]
    await opposite.vendor.revoke(made[1]["id"])
    assert [await reader.is_revoked(entry, issuer=did) for entry in entries] == [False, True]


async def test_who_mixes_servers_up_gets_a_presentation_that_is_good_for_nobody_else(opposite: Opposite) -> None:
    """Mix-up: a server says that its tokens are given at another's endpoint. What Hazel posts there names the first, and is refused."""
    node = opposite.foreign[MASTER.name]
    honest, liar = node.servers[HOFSTEDE.key], node.found("mixing-up")
    node.servers[liar.subject].said_endpoint = f"{honest.tenant.issuer}/token"
    before = len(honest.requests)
    reply = await opposite.vendor.request_token(GOUWE.key, liar.issuer, ONE)
    assert reply.status == 400
    assert len(honest.requests) == before + 1
    assert honest.requests[-1]["client_id"] == opposite.server
    assert "for another audience" in honest.refused[-1]
