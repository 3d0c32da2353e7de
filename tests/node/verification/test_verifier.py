"""Collect, fetch side by side, decide: whoever is away stops nobody else, and what takes long is decided beside the event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from credentials.errors import CredentialError, MalformedError, RevokedError, UnavailableError, UntrustedError
from credentials.vc.credential import NUTS_CONTEXT, SignedCredential
from credentials.vc.issue import issue_ldp_credential
from credentials.vc.present import present_ldp
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.verify import verify_presentation
from node.verification import off_loop, verifier
from node.verification.off_loop import MAX_WAITING, OffLoop
from node.verification.standing import HeldStatus, statuses_of
from node.verification.verifier import MAX_SIGNED_ON_LOOP, Verifier
from tests.node.verification.setting import ORIGIN, Setting
from tests.support.builders import AUDIENCE, a_credential, a_presentation, an_employee_credential, an_x509_credential
from tests.support.certificates import NOW
from tests.support.keys import a_did, a_key
from tests.support.status_lists import a_credential_with_status
from tests.support.world import ManualClock, SimulatedInternet


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    made.verifier.close()


def parsed(*credentials: Any, holder: str = "oever") -> SignedPresentation:
    return SignedPresentation.parse(a_presentation(holder, credentials=credentials))


def an_ld_credential() -> dict[str, Any]:
    return issue_ldp_credential(
        issuer=a_did("ministry"),
        subject_id=a_did("oever"),
        types=["NutsOrganizationCredential"],
        subject={"organization": {"name": "De Oever", "city": "Gouda"}},
        key=a_key("ministry"),
        credential_id=f"{a_did('ministry')}#1",
        now=NOW,
        expires_at=None,
        contexts=[NUTS_CONTEXT],
    )


async def test_everything_a_message_needs_is_fetched_side_by_side(setting: Setting) -> None:
    signed = parsed(an_x509_credential(), a_credential_with_status(), an_employee_credential())
    found = await setting.verifier.verify_presentation(signed, audience=AUDIENCE)
    assert len(found.credentials) == 3
    assert set(setting.parties.asked) == {a_did("oever"), a_did("ministry")}
    assert len(setting.publisher.calls) == 1


async def test_many_are_verified_with_one_wait_and_one_that_is_wrong_stops_nobody(setting: Setting) -> None:
    setting.publisher.revoked.add(9)
    setting.parties.names.discard("linde")
    outcomes = await setting.verifier.verify(
        [
            parsed(a_credential()),
            parsed(a_credential_with_status(index=8)),
            parsed(a_credential_with_status(index=9)),
            parsed(a_credential_with_status(entries=[{"id": "x", "type": "StatusList2021Entry"}])),
            parsed(a_credential("linde"), holder="linde"),
            parsed(a_credential("linde")),
        ],
        audience=AUDIENCE,
    )
    assert [type(each) for each in outcomes] == [
        VerifiedPresentation,
        VerifiedPresentation,
        RevokedError,
        MalformedError,
        UnavailableError,
        UntrustedError,
    ]
    assert len(setting.publisher.calls) == 1
    assert await setting.verifier.verify([], audience=AUDIENCE) == []


async def test_what_was_granted_is_looked_at_again(setting: Setting) -> None:
    found = await setting.verifier.verify_presentation(
        parsed(a_credential_with_status(index=7), a_credential()), audience=AUDIENCE
    )
    held = statuses_of([found, found])
    assert len(held) == 1
    assert HeldStatus.from_json(held[0].to_json()) == held[0]
    await setting.verifier.check_standing(())
    await setting.verifier.check_standing(held)
    setting.publisher.revoked.add(7)
    setting.clock.jump(60)
    with pytest.raises(RevokedError):
        await setting.verifier.check_standing(held)
    setting.internet.broken[ORIGIN] = "unreachable"
    setting.clock.jump(901)
    with pytest.raises(UnavailableError):
        await setting.verifier.check_standing(held)


def test_a_stored_status_that_says_nothing_is_not_one() -> None:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "message",
        "statusListIndex": "1",
        "statusListCredential": "https://ministry.example/1",
    }
    with pytest.raises(MalformedError):
        HeldStatus.from_json({"issuer": a_did("ministry"), "entry": entry})


async def test_json_ld_is_verified_beside_the_event_loop(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def noted(*args: Any, **options: Any) -> Any:
        threads.append(threading.current_thread().name)
        return verify_presentation(*args, **options)

    monkeypatch.setattr(verifier, "verify_presentation", noted)
    ld = present_ldp(
        holder=a_did("oever"),
        key=a_key("oever"),
        audience=AUDIENCE,
        credentials=[an_ld_credential(), an_employee_credential()],
        presentation_id=f"{a_did('oever')}#1",
        now=NOW,
        expires=NOW.replace(second=5),
        nonce="n",
    )
    many = [a_credential(seed=str(number)) for number in range(MAX_SIGNED_ON_LOOP + 1)]
    for signed in (SignedPresentation.parse(ld), parsed(an_ld_credential()), parsed(*many), parsed(*many[1:])):
        await setting.verifier.verify_presentation(signed, audience=AUDIENCE)
    assert [each.partition("_")[0] for each in threads] == ["verification"] * 3 + ["MainThread"]
    await setting.verifier.verify_credential(SignedCredential.parse(an_ld_credential()))


async def test_a_flood_of_json_ld_is_refused_before_it_piles_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(off_loop, "MAX_WAITING", 2)
    assert MAX_WAITING > 2
    gate, beside = threading.Event(), OffLoop()
    waiting = [asyncio.create_task(beside.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError, match="too many"):
        await beside.run(gate.wait)
    gate.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await beside.run(lambda: 1) == 1
    beside.close()
    beside.close()


async def test_without_revocation_lists_a_certificate_that_names_one_is_refused() -> None:
    clock, internet = ManualClock(NOW), SimulatedInternet()
    alone = Verifier(resolver=Setting().parties, peers=internet, clock=clock)
    await alone.verify_credential(SignedCredential.parse(an_x509_credential()))
    assert internet.calls == []


async def test_another_moment_can_be_looked_at(setting: Setting) -> None:
    signed = parsed(a_credential())
    setting.clock.jump(3_600)
    with pytest.raises(CredentialError, match="expired"):
        await setting.verifier.verify_presentation(signed, audience=AUDIENCE)
    await setting.verifier.verify_presentation(signed, audience=None, at=NOW)
    await setting.verifier.verify_credential(SignedCredential.parse(a_credential()), at=NOW)
