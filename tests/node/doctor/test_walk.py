"""`hazel doctor` in one process: every step when all is well, and where each one stops."""

from datetime import timedelta
from typing import Any

import pytest

from node.doctor.ports import Addresses, Handshake, TlsError, TlsFault
from node.ports import HttpRequest, HttpResponse, PeerError
from tests.node.doctor.setting import FHIR, URA, USER, Practice, a_practice, same_time, serve_fhir, steps
from tests.node.oauth.setting import HOLDER, SCOPE, NodeUnderTest
from tests.support.world import NOON, SimulatedInternet, everything_in, reply

ORIGIN = "https://wending.example"
HOST = "wending.example"
MARK = "zq7-from-the-peer"


@pytest.fixture
async def practice(asker: NodeUnderTest, holder: NodeUnderTest, internet: SimulatedInternet) -> Practice:
    return await a_practice(asker, holder, internet)


def answered(practice: Practice, suffix: str, answer: HttpResponse) -> None:
    """Let the holder answer paths that end in ``suffix`` with this; everything else as ever."""
    inner = practice.internet.sites[ORIGIN]

    async def site(request: HttpRequest) -> HttpResponse:
        return answer if request.url.partition("?")[0].endswith(suffix) else await inner(request)

    practice.internet.sites[ORIGIN] = site


def remedies(report: Any) -> list[str]:
    """Every remedy of what is not well; each such step has to have one."""
    bad = [each for each in report["steps"] if each["outcome"] in ("failed", "warning")]
    assert all(each["remedy"] and each["detail"] for each in bad)
    return [each["remedy"] for each in bad]


async def test_the_whole_way_is_walked_and_every_step_told(practice: Practice) -> None:
    report = await practice.examine(peer=HOLDER, user=USER)
    assert report["outcome"] == "ok", report["steps"]
    assert set(steps(report)) == {
        "discovery", "dns", "tls", "metadata", "did", "kind", "fhir", "definition", "wallet", "token",
    }  # fmt: skip
    assert report["organisation"] == {"ura": URA, "name": f"Zorg {URA}", "city": "Gouda"}
    assert report["kind"]["software"] == "hazel"
    assert report["differences"] == []
    assert len(practice.holder.audit.of_kind("token")) == 1


@pytest.mark.parametrize("peer", [HOLDER, ORIGIN, f"{ORIGIN}/", URA])
async def test_a_peer_is_named_by_issuer_address_or_number(practice: Practice, peer: str) -> None:
    assert (await practice.examine(peer=peer, user=USER))["peer"] == HOLDER


@pytest.mark.parametrize(
    "peer", ["http://wending.example", "wending.example", "https://", "00009999", "https://nobody.example", "ftp://x/y"]
)
async def test_nobody_in_particular_is_a_bad_request_with_a_remedy(practice: Practice, peer: str) -> None:
    said = await practice.examine(status=400, peer=peer)
    assert said["code"] == "unknown_peer"
    assert said["remedy"]
    assert practice.internet.calls == []


async def test_without_a_peer_we_look_at_ourselves_from_outside(practice: Practice) -> None:
    report = await practice.examine(user=USER)
    assert report["peer"] == "https://oever.example/oauth2/oever"
    assert steps(report)["metadata"] == ("ok", "ok")
    assert steps(report)["did"] == ("ok", "ok")


async def test_no_token_is_asked_for_where_that_is_not_wanted(practice: Practice) -> None:
    report = await practice.examine(peer=HOLDER, user=USER, token=False)
    assert steps(report)["token"] == ("skipped", "not_wanted")
    assert practice.internet.called("/token") == 0


async def test_nothing_that_is_remembered_helps_and_nothing_is_left_behind(practice: Practice) -> None:
    for _ in range(2):
        await practice.examine(peer=HOLDER, user=USER)
    assert practice.internet.called("/presentation_definition") == 4  # the explanation, and the token
    assert practice.internet.called("/token") == 2


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (PeerError("unreachable", ORIGIN), "unknown_name"),
        (PeerError("timeout", ORIGIN), "timeout"),
        (Addresses(allowed=(), refused=("10.0.0.7",)), "refused_address"),
    ],
)
async def test_a_name_that_leads_nowhere_we_may_go_ends_the_walk(
    practice: Practice, found: Addresses | PeerError, code: str
) -> None:
    practice.probe.names[HOST] = found
    report = await practice.examine(peer=HOLDER, user=USER)
    assert steps(report)["dns"] == ("failed", code)
    assert steps(report)["tls"][0] == steps(report)["metadata"][0] == "skipped"
    assert remedies(report)
    assert practice.internet.calls == [], "nothing is sent there"


async def test_one_address_that_is_not_public_is_told(practice: Practice) -> None:
    practice.probe.names[HOST] = Addresses(allowed=("192.0.43.8",), refused=("10.0.0.7",))
    report = await practice.examine(peer=HOLDER, user=USER)
    assert steps(report)["dns"] == ("warning", "some_refused")
    assert steps(report)["token"] == ("ok", "ok")


@pytest.mark.parametrize(
    "fault", ["expired", "not_yet_valid", "wrong_name", "unknown_authority", "revoked", "no_tls", "other"]
)
async def test_a_certificate_that_can_not_be_trusted_says_why(practice: Practice, fault: TlsFault) -> None:
    practice.probe.hands[HOST] = TlsError(fault)
    report = await practice.examine(peer=HOLDER, user=USER)
    assert steps(report)["tls"] == ("failed", fault)
    assert remedies(report)


async def test_a_certificate_that_ends_soon_is_told(practice: Practice) -> None:
    practice.probe.hands[HOST] = Handshake(version="TLSv1.2", issuer="", expires_at=NOON + timedelta(days=3))
    report = await practice.examine(peer=HOLDER, user=USER)
    assert steps(report)["tls"] == ("warning", "expires_soon")
    assert report["outcome"] == "warning"


@pytest.mark.parametrize(
    ("suffix", "answer", "step", "code"),
    [
        ("oauth2/wending", reply({"error": MARK}, status=404), "metadata", "not_published"),
        ("oauth2/wending", reply(f"<html>{MARK}", content_type="text/html"), "metadata", "not_published"),
        ("oauth2/wending", reply({"issuer": f"https://{MARK}.example"}), "metadata", "malformed"),
        ("did.json", reply({"error": MARK}, status=404), "did", "not_published"),
        ("did.json", reply({"id": MARK}), "did", "malformed"),
        ("presentation_definition", reply({"error": "invalid_scope"}, status=400), "definition", "unknown_scope"),
        ("presentation_definition", reply({"x": MARK}), "definition", "failed"),
        ("presentation_definition", reply("", status=302, location=f"https://{MARK}/"), "definition", "failed"),
        ("/token", reply({"error": "invalid_request", "error_description": MARK}, status=400), "token", "refused"),
        ("/token", reply(MARK, status=500), "token", "failed"),
        ("/token", reply({}, status=429), "token", "busy"),
        ("/token", reply({"access_token": "abc", "token_type": "Bearer"}), "token", "failed"),
    ],
)
async def test_what_a_peer_answers_wrongly_is_told_in_words_of_ours(
    practice: Practice, suffix: str, answer: HttpResponse, step: str, code: str
) -> None:
    answered(practice, suffix, answer)
    report = await practice.examine(peer=HOLDER, user=USER)
    assert steps(report)[step] == ("failed", code)
    assert report["outcome"] == "failed"
    assert remedies(report)
    assert MARK not in everything_in(report)


@pytest.mark.parametrize(
    ("behind", "outcome"), [(0, None), (3, "warning"), (-3, "warning"), (9, "failed"), (-9, "failed")]
)
async def test_a_clock_that_is_off_is_told_as_clock(practice: Practice, behind: int, outcome: str | None) -> None:
    same_time(practice, behind=behind)
    found = steps(await practice.examine(peer=HOLDER, user=USER)).get("clock")
    assert found == (None if outcome is None else (outcome, "clock"))


async def test_a_wallet_that_lacks_something_says_what(practice: Practice) -> None:
    await practice.asker.found("leeg")
    report = await practice.examine(peer=HOLDER)
    assert steps(report)["wallet"] == ("warning", "nobody_named")
    assert steps(report)["token"] == ("skipped", "no_match")
    for each in await practice.asker.wallet.list("oever"):
        await practice.asker.wallet.remove("oever", each.credential.id)
    report = await practice.examine(peer=HOLDER, user=USER)
    assert steps(report)["wallet"] == ("failed", "no_match")
    [wallet] = [each for each in report["steps"] if each["step"] == "wallet"]
    assert "id_x509credential" in wallet["detail"]
    assert "hazel credential explain" in wallet["remedy"]


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        ({"version": "3.0.2"}, "failed", "other_version"),
        ({"version": "5.0.0"}, "failed", "other_version"),
        ({"types": ("Patient",)}, "warning", "missing_types"),
        ({"status": 401}, "warning", "closed"),
        ({"status": 404}, "failed", "no_statement"),
        ({"body": b"{"}, "failed", "malformed"),
        ({"body": {"resourceType": "Patient", "x": MARK}}, "failed", "malformed"),
        ({"body": b"[" * 10_000}, "failed", "malformed"),
        (
            {"body": b'{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","rest":[{"resource":[7]}]}'},
            "failed",
            "malformed",
        ),
    ],
)
async def test_a_fhir_server_is_compared_with_its_registration(
    practice: Practice, answer: dict[str, Any], outcome: str, code: str
) -> None:
    serve_fhir(practice, **answer)
    report = await practice.examine(peer=HOLDER, user=USER)
    assert steps(report)["fhir"] == (outcome, code)
    assert MARK not in everything_in(report)
    assert steps(report)["token"] == ("ok", "ok")


async def test_a_fhir_server_elsewhere_is_reached_for_too(practice: Practice) -> None:
    practice.probe.hands["fhir.wending.example"] = TlsError("expired")
    practice.internet.broken["https://fhir.wending.example"] = "tls"
    report = await practice.examine(peer=HOLDER, user=USER)
    failed = [(each["step"], each["about"], each["code"]) for each in report["steps"] if each["outcome"] == "failed"]
    assert failed == [("tls", "fhir.wending.example", "expired"), ("fhir", FHIR, "tls")]


async def test_who_is_registered_nowhere_is_told_so_and_walked_all_the_same(practice: Practice) -> None:
    practice.neighbours.entries.clear()
    report = await practice.examine(peer=HOLDER, user=USER)
    assert steps(report)["discovery"] == ("warning", "not_registered")
    assert steps(report)["registered"] == ("warning", "not_registered")
    assert steps(report)["did"] == ("skipped", "not_registered")
    assert steps(report)["token"] == ("ok", "ok")


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"usecase": "zq7"}, "unknown_usecase"),
        ({"peers": HOLDER}, None),
        ({"peer": "x" * 3_000}, None),
        ({"token": "no"}, None),
    ],
)
async def test_a_question_that_is_none_is_a_bad_request(
    practice: Practice, question: dict[str, Any], code: str | None
) -> None:
    said = await practice.examine(status=400, **question)
    assert code is None or said["code"] == code


async def test_one_use_case_or_scope_may_be_named(practice: Practice) -> None:
    report = await practice.examine(peer=HOLDER, user=USER, usecase="ha-vvt")
    assert [each["about"] for each in report["steps"] if each["step"] == "token"] == [SCOPE]
    report = await practice.examine(peer=HOLDER, user=USER, scope="unknown-there")
    assert steps(report)["definition"] == ("failed", "unknown_scope")
