"""The deny list that the operator names."""

import asyncio
import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from credentials.errors import UnavailableError, UntrustedError
from credentials.unavailable import Unavailable
from credentials.x509.revocation import DenyList
from node.pki.deny_list import GRACE_SECONDS, PAUSE_SECONDS, REFRESH_SECONDS, DenyListKeeper, read_signer
from node.pki.known_authorities import KnownAuthorities
from node.pki.revocation import Revocation
from node.pki.revocation_lists import RevocationLists
from node.ports import HttpRequest, HttpResponse
from tests.support.keys import a_key, ed25519_private_key
from tests.support.pki import PublishingCa
from tests.support.revocation import DENIER, a_deny_list, denied
from tests.support.world import ManualClock, SimulatedInternet, reply

ORIGIN = "https://deny.example"
URL = f"{ORIGIN}/list.jws"


class Setting:
    def __init__(self) -> None:
        self.internet = SimulatedInternet()
        self.clock = ManualClock()
        self.text = a_deny_list([])
        self.keeper = DenyListKeeper(self.internet, self.clock, url=URL, signer=DENIER.public)
        self.internet.sites[ORIGIN] = self._site

    async def _site(self, _request: HttpRequest) -> HttpResponse:
        return reply(self.text, content_type="application/jose") if self.text else reply("", status=404)


@pytest.fixture
def setting() -> Setting:
    return Setting()


async def test_the_list_is_fetched_once_by_whoever_asks_first(setting: Setting) -> None:
    found = await asyncio.gather(*(setting.keeper.current() for _ in range(10)))
    assert {type(each) for each in found} == {DenyList}
    assert len(setting.internet.calls) == 1
    assert not setting.internet.calls[0].plain_http


async def test_a_list_of_somebody_else_or_none_at_all_is_none(setting: Setting) -> None:
    for text, reason in ((a_deny_list([], key=a_key("thief")), "alg"), ("", "status 404"), ("nonsense", "three parts")):
        setting.text = text
        found = await setting.keeper.current()
        assert isinstance(found, Unavailable)
        assert reason in found.reason
        setting.clock.jump(PAUSE_SECONDS)


async def test_a_publisher_that_is_away_is_not_asked_by_every_request(setting: Setting) -> None:
    setting.internet.broken[ORIGIN] = "timeout"
    for _ in range(10):
        assert isinstance(await setting.keeper.current(), Unavailable)
    assert len(setting.internet.calls) == 1
    del setting.internet.broken[ORIGIN]
    setting.clock.jump(PAUSE_SECONDS)
    assert isinstance(await setting.keeper.current(), DenyList)


async def test_the_last_list_counts_for_a_day_and_no_longer(setting: Setting) -> None:
    await setting.keeper.current()
    setting.internet.broken[ORIGIN] = "unreachable"
    setting.clock.jump(GRACE_SECONDS - 1)
    assert isinstance(await setting.keeper.current(), DenyList)
    setting.clock.jump(1)
    assert isinstance(await setting.keeper.current(), Unavailable)


async def test_it_is_asked_for_every_hour_and_sooner_after_a_failure(setting: Setting) -> None:
    running = asyncio.ensure_future(setting.keeper.run())
    await setting.clock.advance(1)
    await setting.clock.advance(REFRESH_SECONDS)
    assert len(setting.internet.calls) == 2
    setting.text = a_deny_list([{"issuer": "CN=x", "serialnumber": "1", "jwkthumbprint": "y"}])
    setting.internet.broken[ORIGIN] = "unreachable"
    await setting.clock.advance(REFRESH_SECONDS)
    failures = [setting.keeper.failure]
    del setting.internet.broken[ORIGIN]
    await setting.clock.advance(120)
    failures.append(setting.keeper.failure)
    assert failures == [f"{ORIGIN}: unreachable", None]
    found = await setting.keeper.current()
    assert isinstance(found, DenyList)
    assert found.entries == {("CN=x", "1", "y"): ""}
    running.cancel()


def test_a_signer_is_read_as_it_stands_in_a_pem_file() -> None:
    key = ed25519_private_key("deny list").public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    line = pem.splitlines()[1]
    assert read_signer(line) == read_signer(pem) == read_signer(pem.replace("\n", "\\n")) == DENIER.public
    weak = ec.derive_private_key(9, ec.SECP256K1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # fmt: skip
    for text in ("", "é", "AAAA", line[:-4], base64.b64encode(weak).decode()):
        with pytest.raises(ValueError, match="public key"):
            read_signer(text)


async def test_evidence_holds_lists_and_the_deny_list(setting: Setting) -> None:
    ca = PublishingCa(setting.internet, setting.clock)
    lists = RevocationLists(setting.internet, setting.clock, KnownAuthorities([ca.fingerprint]))
    revocation = Revocation(lists, setting.keeper)
    chain = ca.chain()
    (await revocation.gather([chain])).check(chain, setting.clock.now())
    setting.text = a_deny_list([denied(chain.leaf, "CN=ca")])
    await setting.keeper.refresh()
    evidence = await revocation.gather([chain])
    with pytest.raises(UntrustedError, match="deny list"):
        evidence.check(chain, setting.clock.now())
    (await Revocation(lists, None).gather([chain])).check(chain, setting.clock.now())


async def test_without_chains_nothing_is_fetched(setting: Setting) -> None:
    lists = RevocationLists(setting.internet, setting.clock, KnownAuthorities([]))
    await Revocation(lists, setting.keeper).gather([])
    assert setting.internet.calls == []


@pytest.mark.parametrize("soft_fail", [False, True])
async def test_soft_fail_is_for_what_can_not_be_told(setting: Setting, soft_fail: bool) -> None:
    setting.internet.broken[ORIGIN] = "unreachable"
    ca = PublishingCa(setting.internet, setting.clock)
    setting.internet.broken[ca.origin] = "unreachable"
    lists = RevocationLists(setting.internet, setting.clock, KnownAuthorities([ca.fingerprint]))
    chain = ca.chain()
    evidence = await Revocation(lists, setting.keeper, soft_fail=soft_fail).gather([chain])
    if soft_fail:
        evidence.check(chain, setting.clock.now())
    else:
        with pytest.raises(UnavailableError):
            evidence.check(chain, setting.clock.now())


async def test_a_stranger_in_the_same_batch_hides_nobodys_list(setting: Setting) -> None:
    """His chain names the same address; what could not be had for him is had for the other."""
    ca, stranger = (PublishingCa(setting.internet, setting.clock, name) for name in ("ca", "stranger"))
    lists = RevocationLists(setting.internet, setting.clock, KnownAuthorities([ca.fingerprint]))
    good, bad = ca.chain(), stranger.chain(urls=[ca.url])
    for order in ([good, bad], [bad, good]):
        evidence = await Revocation(lists, None).gather(order)
        evidence.check(good, setting.clock.now() + timedelta(minutes=1))
        with pytest.raises(UnavailableError):
            evidence.check(bad, setting.clock.now())
