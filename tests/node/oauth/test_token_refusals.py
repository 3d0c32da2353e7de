"""Token requests of strangers who bend one thing at a time: each is refused, and none of them learns anything."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from credentials.encoding import b64url_encode
from credentials.jws import compact_json
from credentials.keys import KeyId, SoftwareKey
from node.oauth.dpop import make_proof
from tests.node.oauth.setting import (
    HOLDER,
    SCOPE,
    NodeUnderTest,
    Stranger,
    a_foreign_key,
    post_token,
)
from tests.support.certificates import a_uzi_chain
from tests.support.world import SimulatedInternet

MARK = "zq7-reflected"
"""Put into inputs; must never come back."""


UNUSABLE: list[tuple[str, str | None, str]] = [
    ("grant_type", None, "invalid_request"),
    ("grant_type", "authorization_code", "unsupported_grant_type"),
    ("grant_type", MARK, "unsupported_grant_type"),
    ("client_id", None, "invalid_request"),
    ("client_id", "a\tb", "invalid_request"),
    ("client_id", "x" * 3_000, "invalid_request"),
    ("scope", None, "invalid_request"),
    ("scope", MARK, "invalid_scope"),
    ("scope", f"{SCOPE} {MARK}", "invalid_scope"),
    ("scope", SCOPE + " ", "invalid_scope"),
    ("scope", SCOPE.lower(), "invalid_scope"),
    ("assertion", "[]", "invalid_request"),
    ("assertion", "{}", "invalid_request"),
    ("assertion", '["a.b.c", 1]', "invalid_request"),
    ("assertion", json.dumps(["a.b.c"] * 5), "invalid_request"),
    ("assertion", MARK, "invalid_request"),
    ("assertion", "[" * 5_000, "invalid_request"),
    ("presentation_submission", None, "invalid_request"),
    ("presentation_submission", MARK, "invalid_request"),
    ("presentation_submission", "[]", "invalid_request"),
    ("presentation_submission", '{"id":"a","id":"b"}', "invalid_request"),
]


async def test_a_parameter_that_is_missing_or_unusable_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    for parameter, value, code in UNUSABLE:
        answer = await post_token(holder, stranger.form(**{parameter: value}) | ({parameter: value} if value else {}))
        assert (answer.status, answer.body["error"]) == (400, code), (parameter, value)
        assert MARK not in answer.text
    assert holder.audit.records == [], "who proved nothing is counted, not recorded"
    assert sum(holder.refusals.totals().values()) == len(UNUSABLE)


async def test_a_repeated_parameter_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    for name, value in [("scope", SCOPE), ("scope", "other"), ("unknown", "x")]:
        pairs = [*stranger.form().items(), (name, value), *([(name, value)] if name == "unknown" else [])]
        answer = await post_token(holder, pairs)
        assert (answer.status, answer.body["error"]) == (400, "invalid_request")


async def test_bytes_that_are_no_form_are_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    for body, status in [(b"\xff\xfe=\x00", 400), (b"a=%FF", 400), (b"&" * 100, 400), (b"x" * 300_000, 413)]:
        answer = await post_token(holder, body)
        assert (answer.status, answer.body["error"]) == (status, "invalid_request")
    async with holder.public.post("/oauth2/wending/token", json={"grant_type": "x"}) as reply:
        assert (reply.status, (await reply.json())["error"]) == (415, "invalid_request")
    async with holder.public.get("/oauth2/wending/token") as reply:
        assert (reply.status, (await reply.json())["error"]) == (405, "invalid_request")
        assert reply.headers["Allow"] == "POST"


async def test_an_unknown_subject_is_an_invalid_request(holder: NodeUnderTest, stranger: Stranger) -> None:
    answer = await post_token(holder, stranger.form(), subject=MARK)
    assert (answer.status, answer.body) == (400, {"error": "invalid_request", "error_description": "subject not found"})


def _unsigned(stranger: Stranger) -> str:
    header, payload, _ = stranger.presentation().split(".")
    assert header
    none = b64url_encode(compact_json({"alg": "none", "typ": "JWT", "kid": stranger.key.kid}))
    return f"{none}.{payload}."


async def test_algorithm_none_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    answer = await post_token(holder, stranger.form(assertion=_unsigned(stranger)))
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


async def test_a_symmetric_algorithm_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    header, payload, signature = stranger.presentation().split(".")
    assert header
    forged = b64url_encode(compact_json({"alg": "HS256", "typ": "JWT", "kid": stranger.key.kid}))
    answer = await post_token(holder, stranger.form(assertion=f"{forged}.{payload}.{signature}"))
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


async def _claims(holder: NodeUnderTest, stranger: Stranger, **claims: Any) -> str:
    answer = await post_token(holder, stranger.form(assertion=stranger.presentation(**claims)))
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")
    assert MARK not in answer.text
    return str(answer.body["error_description"])


async def test_a_presentation_for_another_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    for audience in (f"{HOLDER}/", HOLDER.upper(), "https://wending.example", [MARK], []):
        await _claims(holder, stranger, aud=audience)


async def test_a_presentation_that_lives_longer_than_5_seconds_is_refused(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    assert "too long" in await _claims(holder, stranger, lifetime=6)


async def test_a_presentation_out_of_its_time_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    now = int(stranger.clock.now().timestamp())
    for issued in (now - 10, now + 6, now - 3_600):
        assert "not valid at this time" in await _claims(holder, stranger, nbf=issued, iat=issued, exp=issued + 5)
    for exp in (None, now - 2, "tomorrow", 1e300):
        await _claims(holder, stranger, exp=exp)


async def test_a_presentation_without_usable_nonce_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    for nonce in (None, "", "n" * 513, 7):
        await _claims(holder, stranger, nonce=nonce)


async def test_contradicting_names_of_the_holder_are_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    for claim in ("iss", "sub"):
        await _claims(holder, stranger, **{claim: "did:web:other.example:iam:1"})


async def test_somebody_elses_credential_is_refused(
    holder: NodeUnderTest, asker: NodeUnderTest, stranger: Stranger
) -> None:
    await asker.found("indringer")
    thief = await Stranger.of(asker, "indringer")
    stolen = thief.presentation(credentials=[stranger.x509_credential, thief.employee()])
    answer = await post_token(holder, thief.form(assertion=stolen))
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")
    assert "subject of every credential" in answer.body["error_description"]


async def test_a_presentation_signed_by_another_key_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    forged = SoftwareKey.generate(stranger.key.kid)
    for key in (a_foreign_key(stranger.did), forged):
        answer = await post_token(holder, stranger.form(assertion=stranger.presentation(key=key)))
        assert (answer.status, answer.body["error"]) == (400, "invalid_request")
    assert holder.audit.records == []
    assert holder.refusals.totals() == {"verification": 2}


async def test_a_certificate_of_another_root_is_refused_and_recorded(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    await asker.found("indringer", a_uzi_chain("indringer", region="Somebody's own root"))
    intruder = await Stranger.of(asker, "indringer")
    answer = await post_token(holder, intruder.form())
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")
    [record] = holder.audit.records
    assert (record.kind, record.decision, record.code) == ("refusal", "deny", "no_match")
    assert record.peer_did == intruder.did
    assert record.reference is not None
    assert record.reference in answer.body["error_description"]
    assert any(rule.evidence["paths"] == "$.issuer" for rule in record.rules)


async def test_repeating_a_refused_presentation_does_not_fill_the_log(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    form = stranger.form(assertion=stranger.presentation(credentials=[stranger.employee()]))
    for _ in range(3):
        assert (await post_token(holder, form)).status == 400
    assert len(holder.audit.records) == 1
    assert holder.refusals.totals() == {"no_match": 2}


async def test_a_submission_that_says_something_else_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    lines = json.loads(stranger.submission())["descriptor_map"]
    swapped = [lines[0] | {"path": "$.verifiableCredential[1]"}, lines[1] | {"path": "$.verifiableCredential[0]"}]
    for submission in (
        stranger.submission(definition_id=MARK),
        stranger.submission(descriptor_map=lines[:1]),
        stranger.submission(descriptor_map=[]),
        stranger.submission(descriptor_map=swapped),
        stranger.submission(descriptor_map=[*lines, lines[0]]),
        stranger.submission(descriptor_map=[lines[0] | {"path": "$.verifiableCredential[9]"}, lines[1]]),
        stranger.submission(extra=True),
    ):
        answer = await post_token(holder, stranger.form(presentation_submission=submission))
        assert (answer.status, answer.body["error"]) == (400, "invalid_request")
        assert MARK not in answer.text


async def test_a_self_attested_credential_of_somebody_else_is_refused(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    foreign = stranger.employee() | {"issuer": "did:web:other.example:iam:1"}
    answer = await post_token(
        holder, stranger.form(assertion=stranger.presentation(credentials=[stranger.x509_credential, foreign]))
    )
    assert answer.status == 400


async def test_an_issuer_that_cannot_be_resolved_refuses_without_saying_more(
    holder: NodeUnderTest, stranger: Stranger, internet: SimulatedInternet
) -> None:
    for code in ("timeout", "unreachable", "refused_address", "too_large"):
        internet.broken["https://oever.example"] = code
        answer = await post_token(holder, stranger.form())
        assert (answer.status, answer.body["error"]) == (400, "invalid_request")
        assert "oever" not in answer.text
        holder.clock.jump(6)


async def test_one_presentation_works_once_however_often_it_is_posted_at_once(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    form = stranger.form()
    answers = await asyncio.gather(*(post_token(holder, form) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 49
    assert len(holder.audit.of_kind("token")) == 1
    assert holder.refusals.totals() == {"nonce_used": 49}


async def test_a_nonce_works_once_also_in_a_presentation_signed_anew(holder: NodeUnderTest, stranger: Stranger) -> None:
    for wait in (0, 1, 3, 4):
        stranger.clock.jump(wait)
        answer = await post_token(holder, stranger.form(assertion=stranger.presentation(nonce="the-same")))
        assert answer.status == (200 if wait == 0 else 400)


async def test_a_nonce_of_one_holder_is_not_burned_by_another(
    holder: NodeUnderTest, asker: NodeUnderTest, stranger: Stranger
) -> None:
    await asker.found("indringer", a_uzi_chain("indringer", ura="00002222"))
    other = await Stranger.of(asker, "indringer")
    for each in (stranger, other):
        answer = await post_token(holder, each.form(assertion=each.presentation(nonce="the-same")))
        assert answer.status == 200


async def test_no_token_without_an_audit_record(holder: NodeUnderTest, stranger: Stranger) -> None:
    holder.audit.available = False
    answer = await post_token(holder, stranger.form())
    assert (answer.status, answer.body["error"]) == (500, "server_error")


def _proof(stranger: Stranger, **changes: Any) -> str:
    options: dict[str, Any] = {
        "method": "POST",
        "url": f"{HOLDER}/token",
        "access_token": None,
        "jti": "jti",
        "now": stranger.clock.now(),
    }
    return make_proof(stranger.key, **(options | changes))


async def test_a_proof_for_another_request_is_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    for proof in (
        _proof(stranger, method="GET"),
        _proof(stranger, url=f"{HOLDER}/other"),
        _proof(stranger, url=f"{HOLDER}/token".replace("example", "example:8443")),
        _proof(stranger, url="https://other.example/oauth2/wending/token"),
        _proof(stranger, jti="j" * 257),
        "",
        MARK,
        stranger.presentation(credentials=[stranger.employee()]),
    ):
        answer = await post_token(holder, stranger.form(), dpop=proof)
        assert (answer.status, answer.body["error"]) == (400, "invalid_dpop_proof")
        assert MARK not in answer.text


async def test_two_proofs_are_one_too_many(holder: NodeUnderTest, stranger: Stranger) -> None:
    answer = await post_token(holder, stranger.form(), dpop=[_proof(stranger, jti="one"), _proof(stranger, jti="two")])
    assert (answer.status, answer.body["error"]) == (400, "invalid_dpop_proof")


async def test_a_proof_works_once_and_its_replay_by_the_holder_is_recorded(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    proof = _proof(stranger)
    assert (await post_token(holder, stranger.form(), dpop=proof)).status == 200
    answer = await post_token(holder, stranger.form(), dpop=proof)
    assert (answer.status, answer.body["error"]) == (400, "invalid_dpop_proof")
    assert [record.code for record in holder.audit.of_kind("refusal")] == ["dpop_used"]


async def test_nothing_a_stranger_sends_is_logged(
    holder: NodeUnderTest, stranger: Stranger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    form = stranger.form(client_id=f"https://{MARK}.example")
    granted = await post_token(holder, form)
    await post_token(holder, form)
    said = " ".join(str(record.__dict__) for record in caplog.records if record.name.startswith("node."))
    for secret in (MARK, form["assertion"], granted.body["access_token"], "J. Jansen"):
        assert secret not in said


async def test_any_key_id_is_either_known_or_refused(holder: NodeUnderTest, stranger: Stranger) -> None:
    for kid in ("", "#", "did:web:", "did:web:127.0.0.1#k", "did:web:a%3A99999#k", "did:key:z6Mk#z6Mk", "x" * 5_000):
        assertion = stranger.presentation(key=SoftwareKey.generate(KeyId(kid)), iss=None, sub=None)
        answer = await post_token(holder, stranger.form(assertion=assertion))
        assert (answer.status, answer.body["error"]) == (400, "invalid_request")


async def test_the_form_can_be_as_nuts_node_posts_it(holder: NodeUnderTest, stranger: Stranger) -> None:
    body = urlencode(sorted(stranger.form().items())).encode()
    assert (await post_token(holder, body)).status == 200
