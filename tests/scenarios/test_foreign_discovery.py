"""Discovery between Hazel and foreign nodes: whoever hosts, both sides see the same members come, change and go (WIRE §2.10)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from examples.region.organisations import GOUWE, HOFSTEDE
from tests.interop.agreements import AT_HAZEL, AT_HAZEL_LDP, AT_NUTS
from tests.scenarios.marks import OPPOSITE
from tests.scenarios.opposite import Opposite
from tests.scenarios.waiting import eventually
from tests.support.foreign_node.asking import Asker
from tests.support.foreign_node.dialect import DIALECTS, MASTER, RELEASE, Dialect
from tests.support.foreign_node.issuing import registration
from tests.support.foreign_node.jose import opened, signed
from tests.support.foreign_node.presenting import claims_of
from tests.support.foreign_node.tenant import Tenant

pytestmark = OPPOSITE

SECONDS = 10
CROWD = 24
RETRACTION = "RetractedVerifiablePresentation"
both = pytest.mark.parametrize("dialect", DIALECTS, ids=[each.name for each in DIALECTS])


def knows(opposite: Opposite, service: str, tenant: Tenant, note: str | None = None) -> Callable[[], Awaitable[bool]]:
    """Whether Hazel's search finds a tenant, with this note."""

    async def is_so() -> bool:
        found = [
            each["registrationParameters"].get("note")
            for each in await opposite.vendor.search(service)
            if each["credential_subject_id"] == tenant.did
        ]
        return found == ([] if note is None else [note])

    return is_so


async def register(asker: Asker, url: str, service: str, note: str, *, ldp: bool = False) -> str:
    """Register with a note; return the id of the presentation."""
    tenant = asker.tenant
    stated = registration(tenant.did, asker.now(), authServerURL=tenant.issuer, note=note)
    shown = next(each for each in tenant.wallet if isinstance(each, dict)) if ldp else tenant.certified
    jti = f"{tenant.did}#{note}"
    answer = await asker.register(service, url, [shown, stated], jti=jti)
    assert answer.status == 201, answer.body
    return jti


@both
@pytest.mark.parametrize("service", [AT_HAZEL, AT_HAZEL_LDP])
async def test_a_foreign_organisation_comes_changes_and_goes_at_hazels_list(
    opposite: Opposite, dialect: Dialect, service: str
) -> None:
    node, tenant = opposite.newcomer(dialect)
    asker, url, ldp = node.asker(tenant.subject), f"{opposite.public}/discovery/{service}", service == AT_HAZEL_LDP
    before = (await asker.follow(url, 0))["timestamp"]
    await register(asker, url, service, "first", ldp=ldp)
    await eventually(knows(opposite, service, tenant, "first"), seconds=SECONDS)
    second = await register(asker, url, service, "second", ldp=ldp)
    await eventually(knows(opposite, service, tenant, "second"), seconds=SECONDS)
    # (1) whoever follows the list sees one entry, the newer
    page = await asker.follow(url, before)
    mine = {
        when: opened(entry)[1]["jti"]
        for when, entry in page["entries"].items()
        if tenant.did in opened(entry)[1]["jti"]
    }
    assert list(mine.values()) == [second]
    assert int(next(iter(mine))) <= page["timestamp"]
    [kept] = [entry for entry in page["entries"].values() if opened(entry)[1]["jti"] == second]
    # (2) it goes: the list says so
    gone = await asker.register(service, url, [], types=[RETRACTION], retract_jti=second)
    assert gone.status == 201, gone.body
    await eventually(knows(opposite, service, tenant), seconds=SECONDS)
    left = (await asker.follow(url, before))["entries"].values()
    assert [
        RETRACTION in opened(entry)[1]["vp"]["type"] for entry in left if tenant.did in opened(entry)[1]["jti"]
    ] == [True]
    # (3) nobody who kept a copy can bring it back
    assert await opposite.repost(url, kept) == 400
    # (4) it may come back itself
    await register(asker, url, service, "third", ldp=ldp)
    await eventually(knows(opposite, service, tenant, "third"), seconds=SECONDS)


async def test_nobody_is_registered_or_removed_by_another(opposite: Opposite) -> None:
    url = f"{opposite.public}/discovery/{AT_HAZEL}"
    node, tenant = opposite.newcomer(MASTER)
    other, thief = opposite.newcomer(RELEASE)
    jti = await register(node.asker(tenant.subject), url, AT_HAZEL, "mine")
    attacker = other.asker(thief.subject)
    stated = registration(thief.did, attacker.now(), authServerURL=thief.issuer)
    for what, answer in {
        "somebody else's certificate": await attacker.register(AT_HAZEL, url, [tenant.certified, stated]),
        "a retraction of another": await attacker.register(AT_HAZEL, url, [], types=[RETRACTION], retract_jti=jti),
        "another service": await attacker.register(AT_NUTS, url, [thief.certified, stated]),
        "for a year": await attacker.register(AT_HAZEL, url, [thief.certified, stated], seconds=31_536_000),
        "without what is asked": await attacker.register(AT_HAZEL, url, [stated]),
        "as somebody else": await attacker.register(
            AT_HAZEL, url, [tenant.certified, stated], sub=tenant.did, iss=tenant.did
        ),
    }.items():
        assert answer.status == 400, what
    await eventually(knows(opposite, AT_HAZEL, tenant, "mine"), seconds=SECONDS)
    assert await knows(opposite, AT_HAZEL, thief)()


async def test_hazel_registers_at_a_foreign_host_follows_it_and_leaves(opposite: Opposite) -> None:
    node = opposite.foreign[RELEASE.name]
    host, url = node.hosts[AT_NUTS], f"{node.base}/discovery/{AT_NUTS}"
    asker = node.asker(HOFSTEDE.key)
    # (1) we come, with our certificate and the address of our server
    reply = await opposite.vendor.activate(AT_NUTS, GOUWE.key, {"note": "hello"})
    assert reply.status == 200, reply.words
    _, claims = opened(host.holders()[opposite.did])
    stated = claims["vp"]["verifiableCredential"][-1]["credentialSubject"]
    assert (stated["authServerURL"], stated["note"], claims["aud"]) == (opposite.server, "hello", [AT_NUTS])
    # (2) we see others come and go
    jti = await register(asker, url, AT_NUTS, "pharmacy")
    await eventually(knows(opposite, AT_NUTS, asker.tenant, "pharmacy"), seconds=SECONDS)
    await asker.register(AT_NUTS, url, [], types=[RETRACTION], retract_jti=jti)
    await eventually(knows(opposite, AT_NUTS, asker.tenant), seconds=SECONDS)
    # (3) we leave
    assert (await opposite.vendor.deactivate(AT_NUTS, GOUWE.key)).status == 200
    assert opposite.did not in host.holders()


async def test_a_host_that_lost_everything_is_read_again_from_the_beginning(opposite: Opposite) -> None:
    node = opposite.foreign[RELEASE.name]
    host, url = node.hosts[AT_NUTS], f"{node.base}/discovery/{AT_NUTS}"
    asker = node.asker(HOFSTEDE.key)
    await register(asker, url, AT_NUTS, "before")
    await eventually(knows(opposite, AT_NUTS, asker.tenant, "before"), seconds=SECONDS)
    host.lose_everything()
    await eventually(knows(opposite, AT_NUTS, asker.tenant), seconds=SECONDS)
    await register(asker, url, AT_NUTS, "after")
    await eventually(knows(opposite, AT_NUTS, asker.tenant, "after"), seconds=SECONDS)


async def test_lies_of_a_host_are_not_shown_and_hide_nobody(opposite: Opposite) -> None:
    """What a host puts on its list that nobody signed, or somebody else did, is in no search; what is good before and after it is."""
    node = opposite.foreign[RELEASE.name]
    host, url = node.hosts[AT_NUTS], f"{node.base}/discovery/{AT_NUTS}"
    asker = node.asker(HOFSTEDE.key)
    _, absent = opposite.newcomer(RELEASE)
    _, late = opposite.newcomer(RELEASE)
    await register(asker, url, AT_NUTS, "honest")
    head, claims, signature = host.holders()[asker.tenant.did].split(".")
    stated = registration(absent.did, node.now(), authServerURL="https://elsewhere.example", note="forged")
    forged = claims_of(RELEASE, absent, AT_NUTS, [absent.certified, stated], node.now(), lifetime=600)
    host.lie(f"{head}.{claims}.{signature[:-6]}AAAAAA")
    host.lie("no presentation")
    host.lie(signed({"kid": absent.key.kid, "typ": "JWT"}, forged, asker.tenant.key.private))
    host.lie(signed({"kid": asker.tenant.key.kid, "typ": "JWT"}, forged, asker.tenant.key.private))
    await register(node.asker(late.subject), url, AT_NUTS, "late")
    await eventually(knows(opposite, AT_NUTS, late, "late"), seconds=SECONDS)
    assert await knows(opposite, AT_NUTS, asker.tenant, "honest")()
    assert await knows(opposite, AT_NUTS, absent)()
    host.lies.clear()


async def test_many_who_register_at_once_are_all_on_the_list(opposite: Opposite) -> None:
    url = f"{opposite.public}/discovery/{AT_HAZEL}"
    crowd = [opposite.newcomer(MASTER) for _ in range(CROWD)]
    await asyncio.gather(*(register(node.asker(one.subject), url, AT_HAZEL, "one of many") for node, one in crowd))
    node, first = crowd[0]
    listed = (await node.asker(first.subject).follow(url, 0))["entries"].values()
    assert {one.did for _, one in crowd} <= {opened(entry)[1]["sub"] for entry in listed}
