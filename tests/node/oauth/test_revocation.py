"""A revoked credential ends what was granted on it: tokens, introspection and new requests, within 60 s of its publication."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from credentials.status.check import STATUS_GRACE
from node.oauth.dpop import make_proof
from node.oauth.grants import Grant
from node.oauth.resource import LoginError
from tests.node.oauth.setting import HOLDER_URL, SCOPE, NodeUnderTest, Stranger, a_node, post_token
from tests.node.verification.setting import Publisher
from tests.support.keys import a_did
from tests.support.status_lists import a_credential_with_status
from tests.support.world import ManualClock, SimulatedInternet, reply

READ = "https://wending.example/fhir/wending/r4/Patient/1"
INDEX = 7
DEFINITION: dict[str, Any] = {
    "id": "pd_organization",
    "format": {"jwt_vp": {"alg": ["ES256"]}, "jwt_vc": {"alg": ["ES256"]}},
    "input_descriptors": [
        {
            "id": "id_organization",
            "constraints": {
                "fields": [
                    {"path": ["$.type"], "filter": {"type": "string", "const": "ExampleCredential"}},
                    {"path": ["$.issuer"], "filter": {"type": "string", "const": a_did("ministry")}},
                    {
                        "id": "organization_name",
                        "path": ["$.credentialSubject[0].organization.name", "$.credentialSubject.organization.name"],
                        "filter": {"type": "string"},
                    },
                ]
            },
        }
    ],
}


@pytest.fixture
async def holder(internet: SimulatedInternet, clock: ManualClock, tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    async with a_node(internet, HOLDER_URL, tmp_path, clock, {SCOPE: {"organization": DEFINITION}}) as node:
        await node.found("wending")
        yield node


@pytest.fixture
def ministry(internet: SimulatedInternet, clock: ManualClock) -> Publisher:
    return Publisher(internet, clock)


def request(stranger: Stranger) -> dict[str, str]:
    """A token request with a credential whose status is bit 7 of the ministry's list."""
    credential = a_credential_with_status(
        subject_id=stranger.did,
        index=INDEX,
        now=stranger.clock.now(),
        subject={"organization": {"name": "De Oever", "city": "Gouda"}},
    )
    descriptors = [{"id": "id_organization", "format": "jwt_vc", "path": "$.verifiableCredential[0]"}]
    return stranger.form(
        assertion=stranger.presentation(credentials=[credential]),
        presentation_submission=stranger.submission(descriptor_map=descriptors),
    )


async def a_token(holder: NodeUnderTest, stranger: Stranger) -> str:
    answer = await post_token(holder, request(stranger))
    assert (answer.status, answer.body.get("error_description")) == (200, None)
    return str(answer.body["access_token"])


async def login(holder: NodeUnderTest, token: str) -> str:
    """What the resource side says to this token: ``ok``, or why not."""
    try:
        await holder.guard.authenticate(authorization=f"Bearer {token}", dpop=None, method="GET", url=READ)
    except LoginError as error:
        return error.code
    return "ok"


async def refused_because(holder: NodeUnderTest, stranger: Stranger) -> str | None:
    """Why a new request is refused, as our own records have it."""
    before = len(holder.audit.of_kind("refusal"))
    answer = await post_token(holder, request(stranger))
    if answer.status == 200:
        return None
    assert answer.body["error"] == "invalid_request"
    assert "revoked" not in answer.text, "the peer learns that verification failed, and nothing else"
    return holder.audit.of_kind("refusal")[before].code


def list_is_gone(ministry: Publisher) -> None:
    """From now on the list is answered with an error; the rest of the issuer goes on."""
    ministry.answer = reply({}, status=503)


async def test_a_revoked_credential_ends_its_tokens_within_a_minute(
    holder: NodeUnderTest, stranger: Stranger, ministry: Publisher, clock: ManualClock
) -> None:
    token, other = await a_token(holder, stranger), await a_token(holder, stranger)
    assert await login(holder, token) == "ok"
    assert (await holder.introspection.introspect(token))["active"] is True
    clock.jump(30)
    ministry.revoked.add(INDEX)
    clock.jump(60)
    assert await login(holder, token) == "revoked_credential"
    assert await holder.introspection.introspect(other) == {"active": False}
    assert await refused_because(holder, stranger) == "revoked"
    assert "revoked" in str(holder.audit.of_kind("refusal")[-1].rules)


async def test_a_token_that_ended_does_not_come_back(
    holder: NodeUnderTest, stranger: Stranger, ministry: Publisher, clock: ManualClock
) -> None:
    tokens = [await a_token(holder, stranger) for _ in range(2)]
    ministry.revoked.add(INDEX)
    clock.jump(60)
    assert await login(holder, tokens[0]) == "revoked_credential"
    assert not (await holder.introspection.introspect(tokens[1]))["active"]
    ministry.revoked.clear()
    clock.jump(60)
    assert [await login(holder, each) for each in tokens] == ["ended_token"] * 2


async def test_a_list_that_can_not_be_had_is_bridged_for_a_quarter_of_an_hour_and_then_refuses(
    holder: NodeUnderTest, stranger: Stranger, ministry: Publisher, clock: ManualClock
) -> None:
    """The issuer's document is there, its list is not."""
    token = await a_token(holder, stranger)
    list_is_gone(ministry)
    clock.jump(STATUS_GRACE.total_seconds() - 60)
    late = await a_token(holder, stranger)
    assert await login(holder, token) == "ok"
    clock.jump(61)
    assert await login(holder, late) == "status_unknown"
    assert await holder.introspection.introspect(late) == {"active": False}
    assert await refused_because(holder, stranger) == "unavailable"
    ministry.answer = None
    clock.jump(60)
    assert await login(holder, late) == "ok", "what was not revoked goes on when its list is back"
    assert await refused_because(holder, stranger) is None


async def test_a_list_that_never_could_be_had_refuses_at_once(
    holder: NodeUnderTest, stranger: Stranger, ministry: Publisher
) -> None:
    list_is_gone(ministry)
    assert await refused_because(holder, stranger) == "unavailable"


@pytest.mark.parametrize("change", [{"issuer": "linde"}, {"options": {"purpose": "suspension"}}])
async def test_a_list_that_is_not_the_issuers_own_or_for_something_else_refuses(
    holder: NodeUnderTest, stranger: Stranger, ministry: Publisher, change: dict[str, Any]
) -> None:
    for name, value in change.items():
        setattr(ministry, name, value)
    assert await refused_because(holder, stranger) in {"verification", "unavailable"}


async def test_where_the_status_is_survives_a_restart(
    holder: NodeUnderTest, stranger: Stranger, ministry: Publisher, clock: ManualClock
) -> None:
    assert ministry.revoked == set()
    token = await a_token(holder, stranger)
    found = await holder.store.find(token)
    assert found is not None
    again = Grant.from_json(found.grant.to_json())
    assert again == found.grant
    [held] = again.statuses
    assert (held.issuer, held.entry.index) == (a_did("ministry"), INDEX)


async def test_a_bound_token_ends_too(
    holder: NodeUnderTest, stranger: Stranger, ministry: Publisher, clock: ManualClock
) -> None:
    proof = make_proof(
        stranger.key,
        method="POST",
        url=f"{holder.issuer('wending')}/token",
        access_token=None,
        jti="1",
        now=clock.now(),
    )
    answer = await post_token(holder, request(stranger), dpop=proof)
    token = str(answer.body["access_token"])
    ministry.revoked.add(INDEX)
    clock.jump(60)
    used = make_proof(stranger.key, method="GET", url=READ, access_token=token, jti="2", now=clock.now())
    with pytest.raises(LoginError) as refused:
        await holder.guard.authenticate(authorization=f"DPoP {token}", dpop=used, method="GET", url=READ)
    assert refused.value.code == "revoked_credential"
