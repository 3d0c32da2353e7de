"""Verification as the node does it, of credentials whose certificates may have been revoked or denied since."""

import asyncio
import itertools
from datetime import timedelta
from unittest.mock import create_autospec

import pytest

from credentials.errors import RevokedError, UnavailableError, UntrustedError
from credentials.jws import sign_jws
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.credential import SignedCredential
from node.identity.resolver import DidResolver
from node.pki.deny_list import DenyListKeeper
from node.pki.known_authorities import KnownAuthorities
from node.pki.revocation import Revocation
from node.pki.revocation_lists import RevocationLists
from node.ports import HttpRequest, HttpResponse
from node.verification.verifier import Verifier
from tests.support.keys import ec_private_key
from tests.support.pki import PublishingCa
from tests.support.revocation import DENIER, a_deny_list, denied
from tests.support.world import ManualClock, SimulatedInternet, reply

DENY_URL = "https://deny.example/list"


class Setting:
    """A CA and a verifier that knows it."""

    def __init__(self, *, soft_fail: bool = False, deny: bool = False) -> None:
        self.internet = SimulatedInternet()
        self.clock = ManualClock()
        self.ca = PublishingCa(self.internet, self.clock)
        self.denied: list[dict[str, str]] = []
        self.internet.sites["https://deny.example"] = self._deny_list
        keeper = DenyListKeeper(self.internet, self.clock, url=DENY_URL, signer=DENIER.public) if deny else None
        lists = RevocationLists(self.internet, self.clock, KnownAuthorities([self.ca.fingerprint]))
        self.verifier = self.knowing(Revocation(lists, keeper, soft_fail=soft_fail))

    def knowing(self, revocation: Revocation | None) -> Verifier:
        resolver = create_autospec(DidResolver, instance=True)  # a did:x509 needs no document
        return Verifier(resolver=resolver, peers=self.internet, clock=self.clock, revocation=revocation)

    async def _deny_list(self, _request: HttpRequest) -> HttpResponse:
        return reply(a_deny_list(self.denied))


async def test_a_revoked_certificate_ends_its_credential_also_when_it_was_verified_before() -> None:
    setting = Setting()
    credential = setting.ca.credential()
    await setting.verifier.verify_credential(credential)
    setting.ca.revoked = {1}
    setting.clock.jump(3600)
    with pytest.raises(RevokedError):
        await setting.verifier.verify_credential(credential)
    await setting.verifier.verify_credential(setting.ca.credential(2))


async def test_without_the_list_nobody_under_that_ca_is_let_in_unless_the_operator_wants_it_so() -> None:
    for soft_fail in (False, True):
        setting = Setting(soft_fail=soft_fail)
        setting.internet.broken[setting.ca.origin] = "unreachable"
        if soft_fail:
            await setting.verifier.verify_credential(setting.ca.credential())
        else:
            with pytest.raises(UnavailableError):
                await setting.verifier.verify_credential(setting.ca.credential())


async def test_who_asks_about_another_moment_is_told_what_is_revoked_by_now() -> None:
    """A list says until when it counts and not what was revoked when; nuts-node too looks at what is revoked now."""
    setting = Setting()
    credential, later = setting.ca.credential(), setting.clock.now() + timedelta(days=20)
    for moment in (setting.clock.now(), later):
        await setting.verifier.verify_credential(credential, at=moment)
    setting.clock.jump(timedelta(days=20))
    await setting.verifier.verify_credential(credential, at=later - timedelta(days=20))
    setting.ca.revoked = {1}
    setting.clock.jump(3600)
    for moment in (later, later - timedelta(days=20)):
        with pytest.raises(RevokedError):
            await setting.verifier.verify_credential(credential, at=moment)


async def test_a_verifier_without_lists_refuses_whoever_names_one() -> None:
    setting = Setting()
    with pytest.raises(UnavailableError):
        await setting.knowing(None).verify_credential(setting.ca.credential())


async def test_a_denied_certificate_is_refused() -> None:
    setting = Setting(deny=True)
    credential = setting.ca.credential()
    await setting.verifier.verify_credential(credential)
    setting.denied = [denied(setting.ca.chain().leaf, "CN=ca")]
    setting.clock.jump(90_000)  # past the day that a list counts
    with pytest.raises(UntrustedError, match="deny list"):
        await setting.verifier.verify_credential(credential)


async def test_who_asks_at_once_shares_one_fetch_of_every_list() -> None:
    setting = Setting(deny=True)
    credentials = [setting.ca.credential(serial) for serial in range(1, 6)]
    await asyncio.gather(*map(setting.verifier.verify_credential, credentials))
    assert sorted(call.url for call in setting.internet.calls) == [setting.ca.url, DENY_URL]


async def test_certificates_in_any_order_are_verified() -> None:
    """nuts-node writes and wants exact order; others may not know."""
    setting = Setting()
    credential = setting.ca.credential()
    assert credential.jws is not None
    key = SoftwareKey(KeyId(str(credential.jws.kid)), ec_private_key("leaf"))
    for order in itertools.permutations(credential.jws.header["x5c"]):
        compact = sign_jws({**credential.jws.header, "x5c": list(order)}, credential.jws.payload, key)
        await setting.verifier.verify_credential(SignedCredential.parse(compact))
