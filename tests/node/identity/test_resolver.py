"""DIDs to keys: ours from the database, others from the web, however the web behaves."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from credentials.did.did_jwk import did_jwk
from credentials.did.did_key import did_key
from credentials.did.document import build_document
from credentials.did.identifier import DID
from credentials.errors import UntrustedError
from node.identity.path_ids import id_in_path
from node.identity.resolver import MAX_DIDS, DidResolver
from node.identity.subjects import Subjects
from node.ports import HttpRequest, HttpResponse, PeerCode
from node.storage.database import open_database
from node.storage.schema import metadata
from node.web.client import open_peer_client
from tests.support.keys import a_did, a_key
from tests.support.world import FixedEntropy, ManualClock, MemoryVault, SimulatedInternet, reply

PEER = a_did("oever")
ORIGIN = "https://oever.example"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def internet() -> SimulatedInternet:
    return SimulatedInternet()


@pytest.fixture
async def subjects(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Subjects]:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'node.db'}") as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield Subjects(database, MemoryVault(), clock, FixedEntropy(), "https://gouwe.example")


@pytest.fixture
def resolver(subjects: Subjects, internet: SimulatedInternet, clock: ManualClock) -> DidResolver:
    return DidResolver(subjects, internet, clock, "https://gouwe.example")


def document(*fragments: str, **members: Any) -> dict[str, Any]:
    keys = [(a_key("oever", each).kid, a_key("oever", each).public) for each in fragments or ("key-1",)]
    return build_document(PEER, keys) | members


def answering(internet: SimulatedInternet, answer: HttpResponse) -> None:
    async def site(_: HttpRequest) -> HttpResponse:
        return answer

    internet.sites[ORIGIN] = site


async def test_our_own_dids_never_go_over_the_network(
    resolver: DidResolver, subjects: Subjects, internet: SimulatedInternet
) -> None:
    did = (await subjects.create("gouwe")).dids[0]
    _, key = await subjects.signer("gouwe")
    assert await resolver.keys([did]) == {key.kid: key.public}
    with pytest.raises(UntrustedError):
        await resolver.keys([DID("did:web:gouwe.example:iam:00000000-0000-4000-8000-000000000000")])
    assert internet.calls == []


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/did+json; charset=utf-8", "Application/DID+LD+JSON"]
)
async def test_a_document_on_the_web_gives_its_keys(
    resolver: DidResolver, internet: SimulatedInternet, media_type: str
) -> None:
    answering(internet, reply(document(), content_type=media_type))
    key = a_key("oever")
    assert await resolver.keys([PEER, PEER]) == {key.kid: key.public}
    [call] = internet.calls
    assert call.url == f"{ORIGIN}/iam/{PEER.rpartition(':')[2]}/did.json"
    assert (call.timeout, call.max_bytes) == (5.0, 1_048_576)


@pytest.mark.parametrize(
    "answer",
    [
        reply(document(), status=404),
        reply(document(), status=302, location="https://elsewhere.example/"),
        reply(document(), content_type="text/html"),
        reply(document(), content_type=""),
        reply("<html>"),
        reply(b"\xff"),
        reply(b"[" * 100_000),
        reply(b" " * 1_048_577),
        reply(document(id="did:web:other.example:iam:1")),
        reply([]),
    ],
)
async def test_what_is_no_document_of_that_did_is_refused_by_name(
    resolver: DidResolver, internet: SimulatedInternet, answer: HttpResponse
) -> None:
    answering(internet, answer)
    with pytest.raises(UntrustedError) as refused:
        await resolver.keys([PEER])
    assert str(refused.value) == f"{PEER}: can not be resolved"


async def test_a_deactivated_did_has_no_keys(resolver: DidResolver, internet: SimulatedInternet) -> None:
    answering(internet, reply(document(verificationMethod=[], assertionMethod=[])))
    assert await resolver.keys([PEER]) == {}


async def test_a_document_is_kept_as_long_as_it_allows_and_at_most_300_seconds(
    resolver: DidResolver, internet: SimulatedInternet, clock: ManualClock
) -> None:
    for control, age in [("max-age=60", 60), ("public, max-age=86400", 300), ('max-age="20"', 20)]:
        answering(internet, reply(document(), cache_control=control))
        internet.calls.clear()
        for wait in (0, age - 1, 1):
            clock.jump(wait)
            await resolver.keys([PEER])
        assert len(internet.calls) == 2, control
        clock.jump(600)


@pytest.mark.parametrize("control", ["no-store", "no-cache, max-age=300", "max-age=x", "max-age=-1", ""])
async def test_a_document_that_may_not_be_kept_is_not(
    resolver: DidResolver, internet: SimulatedInternet, control: str
) -> None:
    answering(internet, reply(document(), cache_control=control))
    for _ in range(2):
        await resolver.keys([PEER])
    assert len(internet.calls) == 2


@pytest.mark.parametrize("code", ["unreachable", "timeout", "too_large", "refused_address", "tls"])
async def test_a_failure_is_remembered_for_5_seconds(
    resolver: DidResolver, internet: SimulatedInternet, clock: ManualClock, code: PeerCode
) -> None:
    internet.broken[ORIGIN] = code
    for _ in range(3):
        with pytest.raises(UntrustedError):
            await resolver.keys([PEER])
    assert len(internet.calls) == 1
    del internet.broken[ORIGIN]
    answering(internet, reply(document()))
    clock.jump(5)
    assert await resolver.keys([PEER])


async def test_many_who_need_one_document_at_once_fetch_it_once(
    resolver: DidResolver, subjects: Subjects, internet: SimulatedInternet
) -> None:
    answering(internet, reply(document()))
    internet.gates[ORIGIN] = asyncio.Event()
    await subjects.subject_of(PEER)  # from memory from here on, so that all arrive before the gate opens
    asked = [asyncio.create_task(resolver.keys([PEER])) for _ in range(30)]
    await asyncio.sleep(0.01)
    internet.gates[ORIGIN].set()
    assert all(await asyncio.gather(*asked))
    assert len(internet.calls) == 1


async def test_a_wanted_key_that_is_missing_is_looked_for_again_every_5_seconds_at_most(
    resolver: DidResolver, internet: SimulatedInternet, clock: ManualClock
) -> None:
    answering(internet, reply(document("old"), cache_control="max-age=300"))
    new = a_key("oever", "new")
    for _ in range(3):
        assert new.kid not in await resolver.keys([PEER], wanted=[new.kid])
    assert len(internet.calls) == 2
    answering(internet, reply(document("old", "new"), cache_control="max-age=300"))
    assert new.kid not in await resolver.keys([PEER], wanted=[new.kid])
    clock.jump(5)
    assert new.kid in await resolver.keys([PEER], wanted=[new.kid])
    assert len(internet.calls) == 3


async def test_a_key_that_is_a_moment_old_is_found_however_young_the_document_in_memory_is(
    resolver: DidResolver, internet: SimulatedInternet
) -> None:
    """A peer may rotate right after we fetched: the first unknown key id never waits."""
    answering(internet, reply(document("old"), cache_control="max-age=300"))
    await resolver.keys([PEER])
    answering(internet, reply(document("new", "old"), cache_control="max-age=300"))
    new = a_key("oever", "new")
    assert new.kid in await resolver.keys([PEER], wanted=[new.kid])
    assert [call.headers.get("Cache-Control") for call in internet.calls] == [None, "no-cache"]


async def test_many_who_miss_one_key_at_once_look_for_it_once(
    resolver: DidResolver, subjects: Subjects, internet: SimulatedInternet
) -> None:
    answering(internet, reply(document("old"), cache_control="max-age=300"))
    await resolver.keys([PEER])
    answering(internet, reply(document("new", "old"), cache_control="max-age=300"))
    internet.gates[ORIGIN] = asyncio.Event()
    new = a_key("oever", "new")
    asked = [asyncio.create_task(resolver.keys([PEER], wanted=[new.kid])) for _ in range(30)]
    for _ in range(5):
        await asyncio.sleep(0)
    internet.gates[ORIGIN].set()
    assert all(new.kid in found for found in await asyncio.gather(*asked))
    assert len(internet.calls) == 2


@pytest.mark.parametrize(
    "answer", [reply({}, status=404), reply("<html>", content_type="text/html"), reply(b"{"), None]
)
async def test_a_made_up_key_id_does_not_make_us_forget_a_good_document(
    resolver: DidResolver, internet: SimulatedInternet, answer: HttpResponse | None
) -> None:
    answering(internet, reply(document(), cache_control="max-age=300"))
    good = await resolver.keys([PEER])
    if answer is None:
        internet.broken[ORIGIN] = "timeout"
    else:
        answering(internet, answer)
    for _ in range(3):
        assert await resolver.keys([PEER], wanted=[f"{PEER}#made-up"]) == good
    assert len(internet.calls) == 2


@pytest.mark.parametrize("attack", ["#new", "did:web:linde.example:iam:1#new", f"{PEER}x#new"])
async def test_key_ids_of_others_make_nobody_fetch(
    resolver: DidResolver, internet: SimulatedInternet, attack: str
) -> None:
    answering(internet, reply(document(), cache_control="max-age=300"))
    for _ in range(3):
        assert attack not in await resolver.keys([PEER], wanted=[attack])
    assert len(internet.calls) == 1


async def test_a_document_can_not_give_keys_of_others_or_for_other_uses(
    resolver: DidResolver, internet: SimulatedInternet
) -> None:
    """Key confusion: a foreign key id, a relative one, one that is not under assertionMethod."""
    good, bad = a_key("oever"), a_key("linde")

    def method(kid: str, **members: Any) -> dict[str, Any]:
        jwk = bad.public.to_jwk()
        return {"id": kid, "type": "JsonWebKey2020", "controller": PEER, "publicKeyJwk": jwk} | members

    mine = {**method(good.kid), "publicKeyJwk": good.public.to_jwk()}
    others = [method(bad.kid), method("#relative"), method(f"{PEER}#foreign", controller=a_did("linde"))]
    unlisted = method(f"{PEER}#unlisted")
    answering(
        internet,
        reply(
            document(
                verificationMethod=[mine, *others, unlisted],
                authentication=[unlisted["id"]],
                assertionMethod=[good.kid, *(each["id"] for each in others)],
            )
        ),
    )
    assert await resolver.keys([PEER]) == {good.kid: good.public}


@pytest.mark.parametrize(
    "did",
    ["did:web:rebinding.example:iam:1", "did:web:127.0.0.1:iam:1", "did:web:gouwe.localhost:iam:1", "did:web:intranet"],
)
async def test_a_did_can_not_lead_inside_whatever_its_name_resolves_to(
    subjects: Subjects, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, did: str
) -> None:
    """With the real client: the address is judged when it is dialled, so a name that rebinds gains nothing."""
    dialled: list[object] = []

    async def rebound(*_args: object, **_kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]

    async def dial(*args: object, **_kwargs: object) -> None:
        dialled.append(args)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", rebound)
    monkeypatch.setattr(loop, "create_connection", dial)
    async with open_peer_client(loopback=False) as client:
        resolver = DidResolver(subjects, client, clock, "https://gouwe.example")
        with pytest.raises(UntrustedError):
            await resolver.keys([DID(did)])
    assert dialled == []


async def test_dids_that_are_keys_cost_no_fetch(resolver: DidResolver, internet: SimulatedInternet) -> None:
    public = a_key("oever").public
    for did in (did_key(public), did_jwk(public)):
        [(kid, key)] = (await resolver.keys([did])).items()
        assert kid.startswith(f"{did}#")
        assert key == public
        shown = await resolver.document(did)
        assert shown["id"] == did
        assert shown["assertionMethod"] == [kid]
        assert ("authentication" in shown) == did.startswith("did:key")
    assert internet.calls == []


async def test_a_whole_document_is_not_kept(resolver: DidResolver, internet: SimulatedInternet) -> None:
    answering(internet, reply(document(alsoKnownAs=["x"]), cache_control="max-age=300"))
    for _ in range(2):
        assert (await resolver.document(PEER))["alsoKnownAs"] == ["x"]
    assert len(internet.calls) == 2


@pytest.mark.parametrize("did", ["did:nuts:x", "did:key:z6Mk", "did:jwk:e30", "did:web:gouwe.example:iam:1", PEER])
async def test_what_can_not_be_resolved_has_no_document(resolver: DidResolver, did: str) -> None:
    with pytest.raises(UntrustedError):
        await resolver.document(DID(did))


@pytest.mark.parametrize(
    "did",
    ["did:web:127.0.0.1", "did:web:a..example", "did:web:a.example:", "did:key:z6Mk", "did:nuts:x", "did:web:a%3A0"],
)
async def test_a_did_that_leads_nowhere_we_go_is_refused(
    resolver: DidResolver, internet: SimulatedInternet, did: str
) -> None:
    with pytest.raises(UntrustedError):
        await resolver.keys([DID(did)])
    assert internet.calls == []


async def test_a_message_can_not_make_us_fetch_many_documents(
    resolver: DidResolver, internet: SimulatedInternet
) -> None:
    with pytest.raises(UntrustedError):
        await resolver.keys([a_did(f"peer{number}") for number in range(MAX_DIDS + 1)])
    assert internet.calls == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("did:web:h.example%3A8443:iam:1#k", "did:web:h.example%3A8443:iam:1#k"),
        ("did:web:h.example%3a8443:iam:1#k", "did:web:h.example%3A8443:iam:1#k"),
        ("did:web:h.example:8443:iam:1#k", "did:web:h.example%3A8443:iam:1#k"),
        ("did:web:h.example:iam:1", "did:web:h.example:iam:1"),
        ("did:web:h.example:8443", "did:web:h.example%3A8443"),
        ("urn:uuid:1", "urn:uuid:1"),
    ],
)
def test_a_did_with_a_port_is_understood_however_it_is_encoded(given: str, meant: str) -> None:
    assert id_in_path(given) == meant
