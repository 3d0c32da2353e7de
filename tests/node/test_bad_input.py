"""Bad input at every door of both listeners.

The answer is one clean 4xx in that door's dialect; nothing is stored or forwarded, the node stays up, and neither the answer nor
the log repeats anything that was sent. The doors are compared with the routes of the applications, so that a new endpoint
without an entry in ``bad_input/doors.py`` fails here.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast
from urllib.parse import quote, urlencode

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.node.bad_input.attacks import Attack, attacks_on, curiosities, method_of
from tests.node.bad_input.dialects import CANARY, CITIZEN, Dialect, check_refusal, check_silence
from tests.node.bad_input.doors import DOORS, Door
from tests.node.bad_input.setting import STRANGER, NodeUnderAttack, a_node_under_attack
from tests.node.bad_input.wire import Answer, Headers
from tests.support.keys import a_did

pytestmark = pytest.mark.asyncio(loop_scope="module")

Rows = dict[str, int]

every_door = pytest.mark.parametrize("door", DOORS, ids=[door.name for door in DOORS])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NodeUnderAttack]:
    async with a_node_under_attack(tmp_path_factory.mktemp("attacked")) as opened:
        yield opened


async def send(node: NodeUnderAttack, door: Door, attack: Attack) -> Answer:
    headers = list(attack.headers)
    if not attack.stranger and (door.guarded or door.listener == "internal"):
        headers += node.authorised(door.listener)
    return await node.send(
        door.listener,
        attack.method,
        attack.target,
        headers,
        attack.body,
        chunked=attack.chunked,
        after=attack.after,
    )


async def check_alive(node: NodeUnderAttack) -> None:
    for listener in ("public", "internal"):
        alive = await node.send(listener, "GET", "/status")
        assert (alive.status, alive.body) == (200, b"OK")


def check_traces(node: NodeUnderAttack, before: Rows, *, records_refusal: bool) -> Rows:
    """Nothing was stored but the refusal of somebody known, nobody was called, and the log is silent; returns the rows now."""
    now = node.rows() if node.written() else before
    changed = {name: count - before[name] for name, count in now.items() if count != before[name]}
    if records_refusal and set(changed) == {"audit.audit"}:
        for body in node.last_records(changed.pop("audit.audit")):
            assert json.loads(body)["decision"] == "deny"
            assert CANARY not in body
            assert CITIZEN not in body
    assert not changed
    # Whether the key of who is known is still published may be looked up: at the address that its grant has.
    known = f"https://linde.example/iam/{a_did(STRANGER).rpartition(':')[2]}/did.json"
    assert not [each for each in node.peers.calls if not (records_refusal and each.url == known)]
    assert not node.own.calls
    told = node.log.getvalue()
    assert CANARY.lower() not in told.lower()
    assert CITIZEN not in told
    return now


async def test_every_route_is_a_door_that_is_attacked(node: NodeUnderAttack) -> None:
    for listener in ("public", "internal"):
        routes = {
            (route.method, route.resource.canonical)
            for route in node.app(listener).router.routes()
            if route.resource is not None
        }
        routes -= {("HEAD", path) for method, path in routes if method == "GET"}  # a GET without its body
        assert routes == {(door.method, door.route) for door in DOORS if door.listener == listener}


@every_door
async def test_bad_requests_are_refused_and_leave_no_trace(node: NodeUnderAttack, door: Door) -> None:
    failed: list[str] = []
    before = node.rows()
    for attack in attacks_on(door, node):
        node.forget_calls_and_log()
        try:
            answer = await send(node, door, attack)
            check_refusal(answer, "problem" if attack.unparsed else door.dialect)
            before = check_traces(node, before, records_refusal=door.guarded)
        except AssertionError as error:
            failed.append(f"{attack.what}: {str(error).splitlines()[0] if str(error) else error!r}")
    await check_alive(node)
    assert not failed, "\n".join(failed)


@every_door
async def test_methods_that_a_door_does_not_have_are_refused(node: NodeUnderAttack, door: Door) -> None:
    has = {each.method for each in DOORS if (each.listener, each.route) == (door.listener, door.route)}
    before = node.rows()
    node.forget_calls_and_log()
    for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - has):
        named = door.route.endswith("Consent/who-may") and method == "PUT"  # there it is the id of a consent
        if "*" in has or named:
            continue
        answer = await send(node, door, Attack(what=method, method=method, target=door.path(node)))
        check_refusal(answer, door.dialect)
        assert answer.status in (404, 405)
        if answer.status == 405:
            assert has <= set((answer.header("allow") or "").split(","))
    check_traces(node, before, records_refusal=False)


@pytest.mark.parametrize("curiosity", list(curiosities()), ids=lambda each: each[0])
async def test_odd_headers_change_nothing(node: NodeUnderAttack, curiosity: tuple[str, Headers]) -> None:
    before = node.rows()
    for door in DOORS:
        if method_of(door) != "GET" or door.guarded or door.route.startswith("/internal/audit"):
            continue  # reading the audit log is itself recorded
        node.forget_calls_and_log()
        good = Attack(what="", method="GET", target=door.good_target(node))
        plain = await send(node, door, good)
        odd = await send(node, door, replace(good, headers=curiosity[1]))
        assert odd.status in (plain.status, 400, 406)
        check_silence(odd)
        node.own.calls.clear()  # the health checks look at our FHIR server
        before = check_traces(node, before, records_refusal=False)


@pytest.mark.parametrize(
    ("target", "dialect"),
    [
        ("/", "problem"),
        (f"/{CANARY}", "problem"),
        ("/internal/status/v1", "problem"),
        ("/metrics", "problem"),
        ("/.well-known/did.json", "problem"),
        ("/oauth2", "problem"),
        ("/oauth2/", "oauth"),
        (f"/oauth2/{CANARY}/authorize", "oauth"),
        ("/.well-known/oauth-authorization-server/", "oauth"),
        (f"/.well-known/oauth-authorization-server/{CANARY}", "oauth"),
        ("/fhir", "problem"),
        ("/fhir/", "fhir"),
        (f"/fhir/{CANARY}", "fhir"),
        (f"/fhir/{CANARY}/r4/Patient", "fhir"),
        ("/fhir/oever/r5/Patient", "fhir"),
        ("/fhir/oever/stu3/metadata", "fhir"),
    ],
)
async def test_what_is_not_there_is_said_in_the_dialect_of_its_place(
    node: NodeUnderAttack, target: str, dialect: Dialect
) -> None:
    answer = await node.send("public", "GET", target)
    check_refusal(answer, dialect)
    assert answer.status == 404


async def test_internal_paths_are_not_on_the_public_listener(node: NodeUnderAttack) -> None:
    for door in DOORS:
        if door.route.startswith("/internal/"):
            answer = await node.send("public", method_of(door), door.path(node), node.authorised("internal"))
            check_refusal(answer, "problem")
            assert answer.status == 404


@every_door
async def test_good_requests_are_answered_so_that_the_bad_ones_were_refused_for_what_was_bad(
    node: NodeUnderAttack, door: Door
) -> None:
    body = door.body(node)
    if (
        body is not None and door.unknown == "ignored"
    ):  # as nuts-node does: there is no other way to add to its messages
        body = json.dumps({**json.loads(body), CANARY: {CANARY: [CITIZEN]}}).encode()
    headers = [] if body is None else [("Content-Type", door.content_type)]
    good = Attack(what="", method=method_of(door), target=door.good_target(node), headers=headers, body=body)
    answer = await send(node, door, good)
    assert answer.status == door.answers, answer.body
    check_silence(answer)


async def test_what_nuts_node_knows_and_we_do_not_is_refused_where_ignoring_it_would_change_the_answer(
    node: NodeUnderAttack,
) -> None:
    (door,) = (each for each in DOORS if each.route.endswith("request-service-access-token"))
    for name, value, status in [
        ("credential_selection", {"organization_ura": 1111}, 400),
        ("credential_selection", {}, 502),
        ("credential_selection", None, 502),
        ("service_provider_subject_id", "not-of-this-node", 400),
        ("service_provider_subject_id", "", 400),
        ("service_provider_subject_id", None, 502),
    ]:
        body = json.dumps({**json.loads(door.body(node) or b""), name: value}).encode()
        headers = [("Content-Type", door.content_type)]
        attack = Attack(what=name, method="POST", target=door.path(node), headers=headers, body=body)
        assert (await send(node, door, attack)).status == status


MANY = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.differing_executors],
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
header_values = st.lists(st.sampled_from([*range(0x20, 0x7F), *range(0x80, 0x100)]), max_size=60).map(bytes)
pairs = st.lists(st.tuples(st.text(max_size=12), st.text(max_size=40)), max_size=6)


def check_clean(answer: Answer, door: Door) -> None:
    """An answer, or one refusal in the door's dialect; what other servers do (502, 504) is not ours to judge."""
    assert answer.status not in (500, 503), answer.body
    if 400 <= answer.status < 500:
        check_refusal(answer, door.dialect)


@pytest.mark.parametrize("door", [door for door in DOORS if door.reads == "json"], ids=lambda door: door.name)
@MANY
@given(data=st.data())
async def test_any_json_gets_an_answer_or_one_refusal(node: NodeUnderAttack, door: Door, data: st.DataObject) -> None:
    good = json.loads(door.body(node) or b"null")
    if isinstance(good, dict) and data.draw(st.booleans()):
        name = data.draw(st.sampled_from([*good, "extra"]))
        body = json.dumps({**good, name: data.draw(json_values)}).encode()
    else:
        body = data.draw(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
    headers = [("Content-Type", door.content_type)]
    attack = Attack(what="", method=door.method, target=door.path(node), headers=headers, body=body)
    check_clean(await send(node, door, attack), door)


@pytest.mark.parametrize("door", [door for door in DOORS if door.reads == "form"], ids=lambda door: door.name)
@MANY
@given(data=st.data())
async def test_any_form_gets_an_answer_or_one_refusal(node: NodeUnderAttack, door: Door, data: st.DataObject) -> None:
    good: list[tuple[str, str]] = door.good(node) if door.good is not None else []
    known = st.tuples(st.sampled_from([name for name, _ in good]), st.text(max_size=60))
    fields = data.draw(pairs | st.lists(known, max_size=6))
    body = data.draw(st.just(urlencode(fields).encode()) | st.binary(max_size=200))
    attack = Attack(
        what="", method=door.method, target=door.path(node), headers=[("Content-Type", door.content_type)], body=body
    )
    check_clean(await send(node, door, attack), door)


@pytest.mark.parametrize("door", [door for door in DOORS if door.parameters], ids=lambda door: door.name)
@MANY
@given(data=st.data())
async def test_any_parameters_get_an_answer_or_one_refusal(
    node: NodeUnderAttack, door: Door, data: st.DataObject
) -> None:
    known = st.tuples(st.sampled_from([name for name, _ in door.parameters]), st.text(max_size=60))
    query = urlencode(data.draw(pairs | st.lists(known, max_size=4)))
    attack = Attack(what="", method="GET", target=f"{door.path(node)}?{query}")
    check_clean(await send(node, door, attack), door)


@MANY
@given(
    name=st.sampled_from(["Authorization", "DPoP", "Purpose-Of-Use", "Break-The-Glass", "If-Match", "Accept"]),
    scheme=st.sampled_from([b"", b"Bearer ", b"DPoP "]),
    value=header_values,
)
@pytest.mark.parametrize(
    "door", [door for door in DOORS if door.guarded or door.reads != "nothing"], ids=lambda door: door.name
)
async def test_any_header_gets_an_answer_or_one_refusal(
    node: NodeUnderAttack, door: Door, name: str, scheme: bytes, value: bytes
) -> None:
    body = door.body(node)
    headers: Headers = [(name, scheme + value), *([] if body is None else [("Content-Type", door.content_type)])]
    attack = Attack(
        what="",
        method=method_of(door),
        target=door.path(node),
        headers=headers,
        body=body,
        stranger=name == "Authorization",
    )
    check_clean(await send(node, door, attack), door)


@MANY
@given(path=st.text(max_size=60), query=st.text(max_size=60))
async def test_any_address_gets_an_answer_or_one_refusal(node: NodeUnderAttack, path: str, query: str) -> None:
    for listener, prefix, dialect in [
        ("public", "/oauth2/", "oauth"),
        ("public", "/fhir/", "fhir"),
        ("internal", "/internal/", "problem"),
    ]:
        target = f"{prefix}{quote(path)}?{quote(query)}"
        answer = await node.send(listener, "GET", target, node.authorised(listener))
        check_refusal(answer, cast(Dialect, dialect))
