"""What the registry asks of the world, in terms of the node: a peer's answer, a key, one of our organisations."""

from pathlib import Path
from typing import Any

import pytest

from node.identity.credential_seal import CredentialSeal
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.ports import HttpRequest, HttpResponse
from node.registries.adapters import OwnRegistrants, RegistryPeers
from node.storage.database import open_database
from node.storage.schema import metadata
from registry.errors import RejectedError, TransferError
from tests.support.keys import a_did
from tests.support.world import FixedEntropy, ManualClock, MemoryVault, SimulatedInternet, reply

URL = "https://host.example/discovery/care"


def answering(response: HttpResponse) -> SimulatedInternet:
    async def site(_: HttpRequest) -> HttpResponse:
        return response

    return SimulatedInternet(sites={"https://host.example": site})


async def test_a_page_is_the_body_of_an_answer(tmp_path: Path) -> None:
    internet = answering(reply(b"page"))
    assert await RegistryPeers(internet).get(f"{URL}?timestamp=0", max_bytes=100) == b"page"
    assert internet.calls[0].max_bytes == 100
    assert internet.calls[0].headers["Accept"] == "application/json"


@pytest.mark.parametrize("status", [204, 301, 404, 500])
async def test_an_answer_that_is_none_tells_its_status_and_none_of_its_words(status: int) -> None:
    peers = RegistryPeers(answering(reply("999990135", status=status)))
    with pytest.raises(TransferError) as caught:
        await peers.get(URL, max_bytes=100)
    assert caught.value.status == status
    assert "999990135" not in str(caught.value)


async def test_a_registration_is_delivered_by_any_success_and_by_nothing_else() -> None:
    for status in (200, 201, 202, 204):
        internet = answering(reply(b"", status=status))
        await RegistryPeers(internet).post(URL, b'"x"')
        assert (internet.calls[0].method, internet.calls[0].body) == ("POST", b'"x"')
        assert internet.calls[0].headers["Content-Type"] == "application/json"
    for status in (301, 307, 400, 404, 413, 500):
        with pytest.raises(TransferError) as caught:
            await RegistryPeers(answering(reply("999990135", status=status))).post(URL, b'"x"')
        assert caught.value.status == status
        assert "999990135" not in str(caught.value)


@pytest.mark.parametrize("code", ["unreachable", "timeout", "too_large", "refused_address", "tls", "broken"])
async def test_a_host_that_is_away_is_told_by_its_origin_and_how(code: Any) -> None:
    internet = SimulatedInternet(broken={"https://host.example": code})
    for call in (RegistryPeers(internet).get(URL, max_bytes=1), RegistryPeers(internet).post(URL, b"")):
        with pytest.raises(TransferError, match=f"https://host.example: {code}") as caught:
            await call
        assert caught.value.status is None


async def test_an_answer_beyond_the_limit_is_not_read() -> None:
    with pytest.raises(TransferError, match="too_large"):
        await RegistryPeers(answering(reply(b"x" * 101))).get(URL, max_bytes=100)


async def test_only_our_own_organisations_can_be_registered_by_us(tmp_path: Path) -> None:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'hazel.db'}") as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        clock = ManualClock()
        subjects = Subjects(database, MemoryVault(), clock, FixedEntropy(), "https://here.example")
        did = (await subjects.create("oever")).dids[0]
        wallet = Wallet(database, subjects, clock, CredentialSeal.of(MemoryVault(), "wallet", FixedEntropy()))
        registrants = OwnRegistrants(subjects, wallet, "https://here.example")
        found = await registrants.registrant(did)
        assert (found.did, found.credentials) == (did, ())
        assert found.authorization_server == "https://here.example/oauth2/oever"
        assert found.key.kid.startswith(f"{did}#")
        with pytest.raises(RejectedError):
            await registrants.registrant(a_did("linde"))
