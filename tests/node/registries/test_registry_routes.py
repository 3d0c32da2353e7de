"""Discovery over HTTP: the list we host for everybody, our own part for the vendor, and the directory."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from credentials.vc.presentation import SignedPresentation
from node.registries.routes import CLIENT, PARTICIPATION, own_parameters
from registry.messages import ListPage
from registry.transparency.checkpoint import read_checkpoint
from registry.transparency.leaf import Leaf, digest_of
from registry.transparency.merkle import Frontier, leaf_hash
from registry.transparency.note import VerifierKey
from registry.transparency.tiles import Tile, parse_bundle
from tests.node.bad_input.dialects import check_refusal
from tests.node.bad_input.setting import (
    FOLLOWED,
    SERVICE,
    STRANGER,
    SUBJECT,
    URL,
    NodeUnderAttack,
    a_node_under_attack,
)
from tests.node.bad_input.wire import Answer
from tests.support.builders import a_presentation, an_x509_credential
from tests.support.certificates import a_uzi_chain
from tests.support.keys import a_did
from tests.support.registry import about_itself
from tests.support.world import NOON

PUBLIC = f"/discovery/{SERVICE}"
OURS = f"/internal/discovery/v1/{SERVICE}/{SUBJECT}"
THEIRS = f"/internal/discovery/v1/{FOLLOWED}/{SUBJECT}"
DIRECTORY = "/internal/directory/v1/organisations"


@pytest_asyncio.fixture
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NodeUnderAttack]:
    async with a_node_under_attack(tmp_path_factory.mktemp("registries")) as opened:
        yield opened


def a_registration(seed: str = "1", *, service: str = SERVICE, ura: str = "00002222", seconds: int = 0) -> str:
    """The stranger's registration, as it would post it."""
    uzi = a_uzi_chain(STRANGER, ura=ura, organization="Thuiszorg Linde")
    now = NOON + timedelta(seconds=seconds)
    own = own_parameters("https://linde.example", STRANGER, ("r4",), "T2")
    parameters = {name: value for name, value in own.items() if name != "authServerURL"}
    return a_presentation(
        STRANGER,
        credentials=[an_x509_credential(STRANGER, uzi=uzi, now=NOON), about_itself(STRANGER, NOON, **parameters)],
        audience=service,
        now=now,
        lifetime=timedelta(minutes=30),
        seed=seed,
    )


async def post(node: NodeUnderAttack, compact: Any, path: str = PUBLIC) -> Answer:
    headers = [("Content-Type", "application/json")]
    return await node.send("public", "POST", path, headers, json.dumps(compact).encode())


async def internal(node: NodeUnderAttack, method: str, path: str, body: Any = None) -> Answer:
    if body is None:
        return await node.send("internal", method, path, node.authorised("internal"))
    headers = node.authorised("internal", ("Content-Type", "application/json"))
    return await node.send("internal", method, path, headers, json.dumps(body).encode())


async def page(node: NodeUnderAttack, query: str = "") -> ListPage:
    answer = await node.send("public", "GET", PUBLIC + query)
    assert (answer.status, answer.content_type) == (200, "application/json")
    return ListPage.parse(answer.body)


async def test_before_the_first_registration_the_list_is_nuts_nodes_empty_one(node: NodeUnderAttack) -> None:
    answer = await node.send("public", "GET", PUBLIC)
    assert answer.json() == {"entries": {}, "seed": "", "timestamp": 0}


async def test_a_registration_is_in_the_list_as_it_was_posted(node: NodeUnderAttack) -> None:
    compact = a_registration()
    answer = await post(node, compact)
    assert (answer.status, answer.body) == (201, b"")
    first = await page(node)
    assert first.entries == ((1, compact),)
    assert first.seed
    assert (await page(node, "?timestamp=1")).entries == ()
    assert (await page(node, "?timestamp=0")) == first


@pytest.mark.parametrize(
    ("compact", "code"),
    [
        ("not.a.jwt", "malformed"),
        ("", "malformed"),
        (a_registration(service="another"), "wrong_audience"),
        (a_registration(seconds=-7_200), "not_current"),
        (a_registration()[:-8] + "AAAAAAAA", "untrusted"),
    ],
)
async def test_a_registration_that_is_not_taken_says_why_and_changes_nothing(
    node: NodeUnderAttack, compact: str, code: str
) -> None:
    answer = await post(node, compact)
    check_refusal(answer, "problem")
    assert (answer.status, answer.json()["code"]) == (400, code)
    assert (await page(node)).entries == ()


async def test_a_registration_is_taken_once_and_replaced_by_a_newer_one(node: NodeUnderAttack) -> None:
    first, second = a_registration("1"), a_registration("2", seconds=1)
    assert (await post(node, first)).status == 201
    assert (await post(node, first)).json()["code"] == "replayed"
    node.node.world.clock.jump(2)  # type: ignore[attr-defined]  # the clock of a test
    assert (await post(node, second)).status == 201
    assert (await post(node, first)).status == 400
    assert (await page(node)).entries == ((2, second),)


async def test_a_list_that_is_not_hosted_here_is_not_given(node: NodeUnderAttack) -> None:
    for path in (f"/discovery/{FOLLOWED}", "/discovery/nothing"):
        for answer in (await node.send("public", "GET", path), await post(node, a_registration(), path)):
            check_refusal(answer, "problem")
            assert (answer.status, answer.json()["code"]) == (404, "unknown_service")


async def test_who_registered_is_found_by_what_its_credentials_say(node: NodeUnderAttack) -> None:
    await post(node, a_registration())
    path = f"/internal/discovery/v1/{SERVICE}"
    (found,) = (await internal(node, "GET", f"{path}?credentialSubject.subject.O=*linde*")).json()
    assert set(found) == {"id", "credential_subject_id", "vp", "fields", "registrationParameters"}
    assert found["credential_subject_id"] == a_did(STRANGER)
    assert found["fields"]["organization_ura"] == "00002222"
    assert SignedPresentation.parse(found["vp"]).holder == a_did(STRANGER)
    assert (await internal(node, "GET", f"{path}?credentialSubject.subject.O=nobody")).json() == []
    assert len((await internal(node, "GET", path)).json()) == 1
    assert (await internal(node, "GET", f"{path}?{'&'.join(f'p{n}=x' for n in range(40))}")).status == 400
    assert (await internal(node, "GET", "/internal/discovery/v1/nothing")).status == 404


async def test_the_definitions_are_shown_as_they_were_read(node: NodeUnderAttack) -> None:
    shown = (await internal(node, "GET", "/internal/discovery/v1")).json()
    assert {each["id"] for each in shown} == {SERVICE, FOLLOWED}
    folder = node.node.config.discovery.definitions
    for each in shown:
        assert each == json.loads((folder / f"{each['id']}.json").read_text())


async def test_we_register_at_a_list_of_our_own_and_leave_it(node: NodeUnderAttack) -> None:
    assert (await internal(node, "GET", OURS)).json()["activated"] is False
    answer = await internal(node, "POST", OURS, {"registrationParameters": {"colour": "blue"}, "unknown": 1})
    assert (answer.status, answer.body) == (200, b"")
    standing = (await internal(node, "GET", OURS)).json()
    assert (standing["activated"], standing["status"], standing["replica"]["members"]) == (True, "active", 1)
    assert standing["registered_at"] == "2026-11-22T12:00:00Z"
    (entry,) = (await internal(node, "GET", f"/internal/discovery/v1/{SERVICE}")).json()
    assert entry["registrationParameters"]["colour"] == "blue"
    assert standing["vp"] == [entry["vp"]]
    assert entry["registrationParameters"]["authServerURL"] == f"{URL}/oauth2/{SUBJECT}"
    assert (await internal(node, "DELETE", OURS)).status == 200
    assert (await internal(node, "GET", OURS)).json()["activated"] is False
    assert (await internal(node, "GET", f"/internal/discovery/v1/{SERVICE}")).json() == []
    assert (await internal(node, "DELETE", OURS)).status == 200


@pytest.mark.parametrize("body", [b"", b"{}", b'{"registrationParameters": null}', b'{"registrationParameters": {}}'])
async def test_without_parameters_we_say_where_we_are(node: NodeUnderAttack, body: bytes) -> None:
    headers = node.authorised("internal", *([("Content-Type", "application/json")] if body else []))
    assert (await node.send("internal", "POST", OURS, headers, body or None)).status == 200
    (entry,) = (await internal(node, "GET", f"/internal/discovery/v1/{SERVICE}")).json()
    assert entry["registrationParameters"]["fhir_base_url_r4"] == f"{URL}/fhir/{SUBJECT}/r4"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"registrationParameters": []}, 400),
        ({"registrationParameters": "x"}, 400),
        ([], 400),
        ({"registrationParameters": {"x": "y" * 20_000}}, 413),
    ],
)
async def test_an_activation_that_is_none_is_refused_before_anything_is_wished(
    node: NodeUnderAttack, body: Any, status: int
) -> None:
    before = node.rows()
    answer = await internal(node, "POST", OURS, body)
    check_refusal(answer, "problem")
    assert answer.status == status
    assert node.rows() == before


async def test_a_host_that_is_away_gets_our_registration_later(node: NodeUnderAttack) -> None:
    answer = await internal(node, "POST", THEIRS)
    assert (answer.status, answer.json()["code"]) == (412, "registration_failed")
    standing = (await internal(node, "GET", THEIRS)).json()
    assert (standing["activated"], standing["status"]) == (False, "error")
    assert "unreachable" in standing["error"]
    answer = await internal(node, "DELETE", THEIRS)
    assert answer.status in (200, 202)
    assert (await internal(node, "GET", THEIRS)).json()["activated"] is False


async def test_organisations_and_services_that_are_not_here_are_not_found(node: NodeUnderAttack) -> None:
    for method in ("GET", "POST", "DELETE"):
        for path in (f"/internal/discovery/v1/{SERVICE}/nobody", f"/internal/discovery/v1/nothing/{SUBJECT}"):
            answer = await internal(node, method, path)
            check_refusal(answer, "problem")
            assert answer.status == 404


async def test_the_directory_says_who_is_where_once_somebody_looked(node: NodeUnderAttack) -> None:
    await post(node, a_registration())
    await node.node.internal[PARTICIPATION].look()
    (found,) = (await internal(node, "GET", DIRECTORY)).json()["organisations"]
    assert found == {
        "ura": "00002222",
        "name": "Thuiszorg Linde",
        "city": "Gouda",
        "did": a_did(STRANGER),
        "facility_type": "T2",
        "authorization_server": "https://linde.example/oauth2/linde",
        "fhir": {"r4": "https://linde.example/fhir/linde/r4"},
        "services": [SERVICE],
    }
    for query, count in [
        (f"?service={SERVICE}", 1),
        (f"?service={FOLLOWED}", 0),
        ("?ura=00002222", 1),
        ("?ura=00009999", 0),
        (f"?ura=00002222&service={SERVICE}", 1),
    ]:
        assert len((await internal(node, "GET", DIRECTORY + query)).json()["organisations"]) == count


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?sevice=HuisartsVVTInzage", 400),
        ("?ura=1", 400),
        ("?ura=00002222&ura=00002222", 400),
        ("?ura=%D9%A0%D9%A0%D9%A0%D9%A0%D9%A2%D9%A2%D9%A2%D9%A2", 400),
        ("?service=nothing", 404),
    ],
)
async def test_a_question_to_the_directory_that_is_not_understood_is_refused(
    node: NodeUnderAttack, query: str, status: int
) -> None:
    answer = await internal(node, "GET", DIRECTORY + query)
    check_refusal(answer, "problem")
    assert answer.status == status


async def test_discovery_is_part_of_the_health_of_the_node(node: NodeUnderAttack) -> None:
    checks = {each["name"]: each for each in (await internal(node, "GET", "/internal/status/v1")).json()["checks"]}
    assert checks[f"discovery {SERVICE}"]["state"] == "ok"
    assert checks[f"discovery {FOLLOWED}"]["state"] == "degraded"
    assert checks[f"discovery {FOLLOWED}"]["remedy"]


def test_what_we_say_about_ourselves_has_every_version_that_we_serve() -> None:
    assert own_parameters("https://x.example", "oever", ("r4", "stu3"), "Z3") == {
        "authServerURL": "https://x.example/oauth2/oever",
        "organization_facility_type": "Z3",
        "fhir_base_url_r4": "https://x.example/fhir/oever/r4",
        "fhir_base_url_stu3": "https://x.example/fhir/oever/stu3",
    }


# -- the log


async def log(node: NodeUnderAttack, path: str) -> Answer:
    return await node.send("public", "GET", f"{PUBLIC}/log/{path}")


async def test_what_is_registered_is_in_the_log_and_the_checkpoint_is_signed(node: NodeUnderAttack) -> None:
    compact = a_registration()
    await post(node, compact)
    state = (await internal(node, "GET", f"/internal/registries/v1/{SERVICE}")).json()
    answer = await log(node, "checkpoint")
    assert (answer.status, answer.content_type, answer.header("cache-control")) == (
        200,
        "text/plain",
        "public, max-age=5",
    )
    key = VerifierKey.parse(state["ours"]["log_key"])
    signed = read_checkpoint(answer.body, key, (), NOON)
    assert (signed.checkpoint.origin, signed.checkpoint.size) == (f"oever.example/discovery/{SERVICE}", 2)
    bundle = await log(node, "tile/entries/000.p/2")
    assert "immutable" in str(bundle.header("cache-control"))
    leaves = parse_bundle(bundle.body, Tile(None, 0, 2))
    assert Frontier().push([leaf_hash(each) for each in leaves]).root == signed.checkpoint.root
    assert Leaf.parse(leaves[1]).digest == digest_of(compact)
    assert (await log(node, "tile/0/000.p/2")).body == b"".join(map(leaf_hash, leaves))
    for path in ("tile/0/000", "tile/1/000", "tile/entries/1", "other"):
        assert (await log(node, path)).status == 404
    assert (state["role"], state["head"]["size"]) == ("host", 2)
    assert "names no log_key" in state["trust"]


async def test_a_service_that_is_only_followed_is_not_served_and_its_trust_is_told(node: NodeUnderAttack) -> None:
    assert (await node.send("public", "GET", f"/discovery/{FOLLOWED}/log/checkpoint")).status == 404
    state = (await internal(node, "GET", f"/internal/registries/v1/{FOLLOWED}")).json()
    assert (state["role"], state["log"]) == ("follower", None)
    assert "on the word of its host" in state["trust"]
    for service, code in ((FOLLOWED, "no_mirror"), (SERVICE, "no_mirror")):
        answer = await internal(node, "POST", f"/internal/registries/v1/{service}/promote")
        assert (answer.status, answer.json()["code"]) == (409, code)


async def test_a_stopped_service_says_so_to_strangers_without_naming_files(node: NodeUnderAttack) -> None:
    stopped = node.node.public[CLIENT].stopped
    assert isinstance(stopped, dict)
    stopped[SERVICE] = "/etc/hazel/discovery/x.json: endpoint is wrong; mend it"
    for answer in (
        await post(node, a_registration()),
        await node.send("public", "GET", PUBLIC),
        await log(node, "checkpoint"),
    ):
        assert (answer.status, answer.json()["code"]) == (503, "service_stopped")
        assert b"x.json" not in answer.body
    assert (await internal(node, "POST", OURS)).status == 503
    state = (await internal(node, "GET", f"/internal/registries/v1/{SERVICE}")).json()
    assert "x.json" in state["stopped"]
    assert (await internal(node, "GET", f"/internal/discovery/v1/{SERVICE}")).status == 200


async def test_a_host_whose_database_is_busy_says_when_to_try_again_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.storage.database._BUSY_TIMEOUT_MS", 10)
    compact = a_registration()
    async with a_node_under_attack(tmp_path) as node:
        (file,) = tmp_path.rglob("hazel.db")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = await post(node, compact)
            assert (answer.status, answer.json()["code"]) == (503, "busy")
            assert int(dict(answer.headers)["retry-after"]) > 0
            assert (await page(node)).entries == ()
            other.execute("ROLLBACK")
        assert (await post(node, compact)).status == 201
        assert (await page(node)).entries == ((1, compact),)


async def test_a_stranger_who_reads_an_empty_log_leaves_no_trace(node: NodeUnderAttack) -> None:
    before = node.rows()
    assert (await node.send("public", "GET", f"{PUBLIC}/log/checkpoint")).status == 200
    assert node.rows() == before
