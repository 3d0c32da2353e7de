"""Errors on their way out, and paths on their way in."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from node.web.bodies import read_form, read_json
from node.web.boundary import MAX_PATH, boundary, check_target
from node.web.replies import ErrorReply, RequestError


def shouting(error: RequestError) -> ErrorReply:
    return ErrorReply(status=error.status, content_type="text/plain", body=error.code.upper().encode())


async def a_client() -> TestClient[web.Request, web.Application]:
    app = web.Application(middlewares=[boundary([("/loud/", shouting)])])

    async def fails(_request: web.Request) -> web.Response:
        raise ValueError("secret detail 999990135")

    async def refuses(_request: web.Request) -> web.Response:
        raise RequestError(409, "exists", "it exists", "use another name", headers={"X-H": "1"})

    async def reads_json(request: web.Request) -> web.Response:
        return web.json_response(await read_json(request, max_bytes=100))

    async def reads_form(request: web.Request) -> web.Response:
        return web.json_response(await read_form(request, max_bytes=100))

    app.router.add_get("/fails", fails)
    app.router.add_get("/loud/fails", fails)
    app.router.add_get("/refuses", refuses)
    app.router.add_post("/json", reads_json)
    app.router.add_post("/form", reads_form)
    client = TestClient(TestServer(app))
    await client.start_server()
    return client


async def test_the_unforeseen_says_nothing_to_the_caller() -> None:
    client = await a_client()
    try:
        answer = await client.get("/fails")
        text = await answer.text()
        assert answer.status == 500
        assert "secret" not in text
        assert "999990135" not in text
        assert answer.content_type == "application/problem+json"
    finally:
        await client.close()


async def test_each_dialect_has_its_renderer_and_problems_are_the_default() -> None:
    client = await a_client()
    try:
        assert await (await client.get("/loud/fails")).text() == "INTERNAL_ERROR"
        refused = await client.get("/refuses")
        assert (refused.status, refused.headers["X-H"]) == (409, "1")
        assert await refused.json(content_type=None) == {
            "title": "Conflict",
            "status": 409,
            "detail": "it exists",
            "code": "exists",
            "remedy": "use another name",
        }
        missing = await client.get("/nowhere")
        assert (missing.status, (await missing.json(content_type=None))["code"]) == (404, "not_found")
        wrong = await client.put("/json")
        assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"a":1}', "application/json", 200),
        (b'{"a":1,"a":2}', "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"a":NaN}', "application/json", 400),
        (b'{"a":"\xff"}', "application/json", 400),
        (b"[" * 99, "application/json", 400),
        (b'{"a":1}', "text/plain", 415),
        (b" " * 101, "application/json", 413),
    ],
)
async def test_json_is_read_strictly(body: bytes, content_type: str, status: int) -> None:
    client = await a_client()
    try:
        assert (await client.post("/json", data=body, headers={"Content-Type": content_type})).status == status
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a=1&b=2&a=3", 200),
        (b"a=%ff", 400),
        (b"a=%00", 400),
        (b"&".join([b"a=1"] * 30), 413),
        (b"a=1" + b"&" * 70, 400),
    ],
)
async def test_forms_are_read_strictly(body: bytes, status: int) -> None:
    client = await a_client()
    try:
        answer = await client.post("/form", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == status
    finally:
        await client.close()


async def test_compressed_bodies_are_refused() -> None:
    client = await a_client()
    try:
        answer = await client.post(
            "/json", data=b"x", headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
        )
        assert answer.status == 415
    finally:
        await client.close()


@pytest.mark.parametrize(
    "target",
    [
        "/a/../b", "/a/./b", "/..", "/a/%2e%2e/b", "/a/%2E/b", "/a/.%2e", "/a%2fb", "/a%2Fb", "/a%5cb", "/a//b", "//a", "/a%00b",
        "/a\\b", "/a b", "/a%ffb", "/a?b=%ff", "a", "", "http://host/a", "*", "/" + "a" * MAX_PATH,
    ],
)  # fmt: skip
def test_targets_with_two_meanings_are_refused(target: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_target(target)
    assert caught.value.status in (400, 414)
    assert caught.value.code in ("bad_path", "too_long")


@pytest.mark.parametrize(
    "target", ["/", "/iam/x/did.json", "/statuslist/did%3Aweb%3Aa%253A8443/1", "/a.b/..c/d..", "/x?y=../z//"]
)
def test_plain_targets_pass(target: str) -> None:
    check_target(target)


@given(st.text(max_size=300))
def test_any_target_passes_or_is_refused_cleanly(target: str) -> None:
    status = None
    try:
        check_target(target)
    except RequestError as error:
        status = error.status
    assert status in (None, 400, 414)
