"""Token requests with JSON-LD: a presentation, or credentials in it, in either envelope and mixed."""

import json
from datetime import timedelta
from typing import Any

import pytest

from credentials.encoding import b64url_encode
from credentials.vc.present import present_ldp
from tests.node.oauth.setting import HOLDER, NodeUnderTest, Stranger, post_token


def ld_presentation(stranger: Stranger, credentials: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    now = stranger.clock.now()
    options: dict[str, Any] = {
        "holder": stranger.did,
        "key": stranger.key,
        "audience": HOLDER,
        "credentials": [stranger.x509_credential, stranger.employee()] if credentials is None else credentials,
        "presentation_id": f"{stranger.did}#{stranger.entropy.uuid()}",
        "now": now,
        "expires": now + timedelta(seconds=5),
        "nonce": b64url_encode(stranger.entropy.token(32)),
    }
    return present_ldp(**options | changes)


@pytest.mark.spec("WIRE §2.5.3: LD VP")
async def test_a_json_ld_presentation_earns_a_token(holder: NodeUnderTest, stranger: Stranger) -> None:
    presentation = ld_presentation(stranger)
    answer = await post_token(holder, stranger.form(assertion=json.dumps(presentation)))
    assert (answer.status, answer.body.get("error_description")) == (200, None)
    found = await holder.introspection.introspect_extended(answer.body["access_token"])
    assert found["vps"] == [presentation]
    assert (await holder.introspection.introspect(answer.body["access_token"]))["organization_ura"] == "00001111"


async def test_one_in_an_array_does_too(holder: NodeUnderTest, stranger: Stranger) -> None:
    submission = stranger.submission(
        descriptor_map=[
            {"id": "id_x509credential", "format": "jwt_vc", "path": "$[0].verifiableCredential[0]"},
            {"id": "id_employeecredential", "format": "ldp_vc", "path": "$[0].verifiableCredential[1]"},
        ]
    )
    form = stranger.form(assertion=json.dumps([ld_presentation(stranger)]), presentation_submission=submission)
    assert (await post_token(holder, form)).status == 200


async def test_it_works_once(holder: NodeUnderTest, stranger: Stranger) -> None:
    form = stranger.form(assertion=json.dumps(ld_presentation(stranger)))
    assert (await post_token(holder, form)).status == 200
    again = await post_token(holder, form)
    assert (again.status, again.body["error"]) == (400, "invalid_request")


async def test_one_that_is_not_for_us_too_long_or_changed_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    now = stranger.clock.now()
    good = ld_presentation(stranger)
    for bad in (
        ld_presentation(stranger, audience="https://elsewhere.example"),
        ld_presentation(stranger, audience=None),
        ld_presentation(stranger, expires=now + timedelta(seconds=6)),
        good | {"id": f"{stranger.did}#another"},
        good | {"holder": HOLDER},
        good | {"proof": good["proof"] | {"nonce": "another"}},
        good | {"@context": [*good["@context"], "https://evil.example/context"]},
        {name: value for name, value in good.items() if name != "proof"},
    ):
        answer = await post_token(holder, stranger.form(assertion=json.dumps(bad)))
        assert (answer.status, answer.body["error"]) == (400, "invalid_request")
    assert holder.audit.of_kind("token") == []


async def test_only_who_signed_is_recorded_when_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    lacking = ld_presentation(stranger, credentials=[stranger.employee(), stranger.employee()])
    answer = await post_token(holder, stranger.form(assertion=json.dumps(lacking)))
    assert answer.status == 400
    assert [record.peer_did for record in holder.audit.of_kind("refusal")] == [stranger.did]
