"""Peers that are slow, wrong or hostile: asking them for a token ends in one clean error that quotes nothing of theirs."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from credentials.encoding import b64url_decode
from credentials.fields import parse_json
from node.oauth.boundary import as_request_error
from node.oauth.presenting import choose_form
from node.oauth.requester import TokenRefusedError
from node.oauth.user import User
from node.ports import HttpRequest, HttpResponse, PeerCode
from tests.node.oauth.setting import SCOPE, NodeUnderTest, organization_definition
from tests.support.world import SimulatedInternet, reply

PEER = "https://peer.example"
SERVER = f"{PEER}/oauth2/zorg"
METADATA = "/.well-known/oauth-authorization-server/oauth2/zorg"
DEFINITION = "/oauth2/zorg/presentation_definition"
TOKEN = "/oauth2/zorg/token"
USER = User(identifier="U-1001", name="J. Jansen", role="01.015")
MARK = "zq7-from-the-peer"


def metadata(**members: Any) -> dict[str, Any]:
    said = {
        "issuer": SERVER,
        "token_endpoint": f"{SERVER}/token",
        "presentation_definition_endpoint": f"{SERVER}/presentation_definition",
        "did_methods_supported": ["web"],
        "vp_formats_supported": {"jwt_vp_json": {"alg_values_supported": ["ES256"]}},
    } | members
    return {name: value for name, value in said.items() if value is not None}


def good(**answers: HttpResponse) -> dict[str, HttpResponse]:
    return {
        METADATA: reply(metadata(), cache_control="max-age=300"),
        DEFINITION: reply(organization_definition(), cache_control="max-age=300"),
        TOKEN: reply({"access_token": "abc", "token_type": "DPoP", "expires_in": 900, "scope": SCOPE}),
    }


class Peer:
    """An authorization server of fixed answers that keeps what was posted to it."""

    def __init__(self, internet: SimulatedInternet, answers: Mapping[str, HttpResponse]) -> None:
        self.answers = dict(answers)
        self.requests: list[HttpRequest] = []
        internet.sites[PEER] = self

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return self.answers.get(urlsplit(request.url).path, reply({"error": MARK}, status=404))

    def posted(self) -> dict[str, str]:
        [post] = [request for request in self.requests if request.method == "POST"]
        return dict(parse_qsl((post.body or b"").decode()))


async def refused(asker: NodeUnderTest, server: str = SERVER, **options: Any) -> TokenRefusedError:
    with pytest.raises(TokenRefusedError) as error:
        await asker.requester.token("oever", authorization_server=server, scope=SCOPE, user=USER, **options)
    told = as_request_error(error.value)
    assert told is not None
    for text in (str(error.value), told.message, told.remedy or ""):
        assert MARK not in text
    return error.value


async def test_what_is_sent_is_what_nuts_node_expects(asker: NodeUnderTest, internet: SimulatedInternet) -> None:
    peer = Peer(internet, good())
    await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER)
    form = peer.posted()
    assert set(form) == {"grant_type", "client_id", "scope", "assertion", "presentation_submission"}
    assert form["client_id"] == "https://oever.example/oauth2/oever"
    submission = json.loads(form["presentation_submission"])
    assert [(line["format"], line["path"]) for line in submission["descriptor_map"]] == [
        ("jwt_vc", "$.verifiableCredential[0]"),
        ("ldp_vc", "$.verifiableCredential[1]"),
    ]
    header, claims, _ = form["assertion"].split(".")
    said = parse_json(b64url_decode(claims))
    assert parse_json(b64url_decode(header))["typ"] == "JWT"
    assert said["aud"] == [SERVER]
    assert said["exp"] - said["nbf"] == 5
    assert said["nbf"] == int(asker.clock.now().timestamp()) - 1
    assert said["iss"] == said["sub"] == said["jti"].partition("#")[0]
    employee = said["vp"]["verifiableCredential"][1]
    assert employee["issuer"] == employee["credentialSubject"]["id"] == said["iss"]
    assert {"identifier", "name", "roleName"} <= employee["credentialSubject"].keys()
    [post] = [request for request in peer.requests if request.method == "POST"]
    assert "DPoP" in post.headers


JSON_LD = {"proof_type_values_supported": ["JsonWebSignature2020"]}


@pytest.mark.spec("WIRE §2.5.4")
async def test_a_server_that_takes_json_ld_alone_gets_json_ld(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    definition = {name: value for name, value in organization_definition().items() if name != "format"}
    answers = {METADATA: reply(metadata(vp_formats_supported={"ldp_vp": JSON_LD})), DEFINITION: reply(definition)}
    peer = Peer(internet, good() | answers)
    await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER)
    form = peer.posted()
    said = json.loads(form["assertion"])
    proof = said["proof"]
    created, expires = (datetime.fromisoformat(proof[name]) for name in ("created", "expires"))
    assert (proof["type"], proof["domain"], proof["challenge"]) == ("JsonWebSignature2020", SERVER, proof["nonce"])
    assert expires - created == timedelta(seconds=5)
    assert created <= asker.clock.now() < expires
    assert proof["verificationMethod"].startswith(f"{said['holder']}#")
    assert [line["path"] for line in json.loads(form["presentation_submission"])["descriptor_map"]] == [
        "$.verifiableCredential[0]",
        "$.verifiableCredential[1]",
    ]


async def test_a_definition_that_wants_json_ld_gets_it_with_one_credential_alone(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    asked = organization_definition()
    definition = {
        **asked,
        "input_descriptors": asked["input_descriptors"][1:],
        "format": {"ldp_vp": {"proof_type": ["JsonWebSignature2020"]}, "ldp_vc": asked["format"]["ldp_vc"]},
    }
    answers = {METADATA: reply(metadata(vp_formats_supported=None)), DEFINITION: reply(definition)}
    peer = Peer(internet, good() | answers)
    await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER)
    form = peer.posted()
    assert json.loads(form["assertion"])["verifiableCredential"]["type"] == [
        "VerifiableCredential",
        "NutsEmployeeCredential",
    ]
    [line] = json.loads(form["presentation_submission"])["descriptor_map"]
    assert (line["path"], line["format"]) == ("$.verifiableCredential", "ldp_vc")


@pytest.mark.parametrize(
    ("server", "asked", "form"),
    [
        ({}, {}, "jwt_vp"),
        ({"ldp_vp": (), "jwt_vp": (), "ldp_vc": ()}, {}, "jwt_vp"),
        ({"ldp_vp": (), "jwt_vp": ()}, {"ldp_vp": {}, "ldp_vc": {}}, "ldp_vp"),
        ({"ldp_vp": ()}, {"jwt_vc": {"alg": ("ES256",)}}, "ldp_vp"),
        ({"jwt_vp": ()}, {"ldp_vp": {}}, None),
        ({"jwt_vc": (), "ldp_vc": ()}, {}, None),
        ({"jwt_vp": ("PS256",), "ldp_vp": ("JsonWebSignature2020",)}, {}, "ldp_vp"),
        ({"jwt_vp": ("ES256",), "ldp_vp": ()}, {"jwt_vp": {"alg": ("PS256",)}, "ldp_vp": {}}, "ldp_vp"),
        ({"jwt_vp": ("PS256",)}, {}, "jwt_vp"),
        ({"jwt_vp": ("PS256",), "ldp_vp": ("Other",)}, {}, "jwt_vp"),
    ],
)
def test_the_form_is_one_that_both_sides_take_a_jwt_where_possible(
    server: dict[str, tuple[str, ...]], asked: dict[str, dict[str, tuple[str, ...]]], form: str | None
) -> None:
    assert choose_form(server, asked, "ES256") == form


async def test_metadata_is_also_found_at_the_appended_address(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    answers = good()
    answers["/oauth2/zorg/.well-known/oauth-authorization-server"] = answers.pop(METADATA)
    Peer(internet, answers)
    token = await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER)
    assert token.access_token == "abc"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(f"<html>{MARK}</html>", content_type="text/html"), "failed"),
        (reply(f"{MARK}", status=500), "failed"),
        (reply("", status=302, location="https://169.254.169.254/"), "failed"),
        (reply(metadata(issuer=f"{SERVER}/")), "failed"),
        (reply(metadata(issuer=f"https://{MARK}.example")), "failed"),
        (reply(metadata(issuer=None)), "failed"),
        (reply(metadata(token_endpoint=None)), "failed"),
        (reply(metadata(token_endpoint="http://peer.example/token")), "failed"),
        (reply(metadata(token_endpoint="https://user:pw@peer.example/token")), "failed"),
        (reply(metadata(token_endpoint="https://peer.example:0x1/token")), "failed"),
        (reply(metadata(presentation_definition_endpoint=["x"])), "failed"),
        (reply(b'{"issuer":"a","issuer":"b"}'), "failed"),
        (reply(b"[" * 60_000), "failed"),
        (reply(b" " * 70_000), "failed"),
        (reply(b"\xff\xfe"), "failed"),
        (reply({}, status=403), "refused"),
        (reply(metadata(did_methods_supported=["key"])), "no_match"),
        (reply(metadata(vp_formats_supported={"sd_jwt_vp": {}})), "no_match"),
    ],
)
async def test_metadata_that_is_none_is_a_clean_error(
    asker: NodeUnderTest, internet: SimulatedInternet, answer: HttpResponse, code: str
) -> None:
    Peer(internet, good() | {METADATA: answer})
    assert (await refused(asker)).code == code


@pytest.mark.parametrize(
    "pd",
    [
        {"x": 1},
        [],
        organization_definition() | {"input_descriptors": [{"id": "a"}] * 33},
        {"id": "p", "input_descriptors": [{"id": "a", "constraints": {"fields": [{"path": ["$..*"]}]}}]},
        {
            "id": "p",
            "input_descriptors": [
                {
                    "id": "a",
                    "constraints": {
                        "fields": [{"path": ["$.id"], "filter": {"type": "string", "pattern": r"^(?=(a+)+$)\1"}}]
                    },
                }
            ],
        },
    ],
)
async def test_a_hostile_presentation_definition_is_a_clean_error(
    asker: NodeUnderTest, internet: SimulatedInternet, pd: Any
) -> None:
    peer = Peer(internet, good() | {DEFINITION: reply(pd)})
    error = await refused(asker)
    assert (error.code, error.step) == ("failed", "definition")
    assert not [request for request in peer.requests if request.method == "POST"]


async def test_a_pattern_made_to_run_for_ever_does_not(asker: NodeUnderTest, internet: SimulatedInternet) -> None:
    pd = {
        "id": "p",
        "input_descriptors": [
            {
                "id": "a",
                "constraints": {
                    "fields": [
                        {"path": ["$.issuer"], "filter": {"type": "string", "pattern": "^(?:(?:[a-z0-9:%#-])+)+$!"}}
                    ]
                },
            }
        ],
    }
    Peer(internet, good() | {DEFINITION: reply(pd)})
    assert (await refused(asker)).code == "no_match"


@pytest.mark.parametrize(
    ("answer", "code", "oauth_code"),
    [
        (reply({"error": "invalid_request", "error_description": MARK}, status=400), "refused", "invalid_request"),
        (reply({"error": MARK}, status=400), "refused", None),
        (reply(f"<html>{MARK}", status=400, content_type="text/html"), "refused", None),
        (reply({"error": "server_error"}, status=500), "failed", None),
        (reply("", status=307, location="https://elsewhere.example/"), "failed", None),
        (reply(f"<html>{MARK}", content_type="text/html"), "failed", None),
        (reply({}), "failed", None),
        (reply({"access_token": "", "token_type": "DPoP"}), "failed", None),
        (reply({"access_token": "a b", "token_type": "DPoP"}), "failed", None),
        (reply({"access_token": "a\r\nX: y", "token_type": "DPoP"}), "failed", None),
        (reply({"access_token": "x" * 5_000, "token_type": "DPoP"}), "failed", None),
        (reply({"access_token": "abc", "token_type": "Bearer"}), "failed", None),
        (reply({"access_token": "abc", "token_type": "DPoP", "expires_in": -1}), "failed", None),
        (reply({"access_token": "abc", "token_type": "DPoP", "expires_in": "900"}), "failed", None),
        (reply({"access_token": "abc", "token_type": MARK}), "failed", None),
        (reply({"access_token": "abc", "token_type": "DPoP", "scope": f"{SCOPE}\r\nX: {MARK}"}), "failed", None),
        (
            reply({"access_token": "abc", "token_type": "DPoP", "scope": '<a href="https://peer.example">'}),
            "failed",
            None,
        ),
        (reply({"access_token": "abc", "token_type": "DPoP", "scope": "x" * 2_000}), "failed", None),
        (reply(b"x" * 70_000), "failed", None),
    ],
)
async def test_a_token_reply_that_is_none_is_a_clean_error(
    asker: NodeUnderTest, internet: SimulatedInternet, answer: HttpResponse, code: str, oauth_code: str | None
) -> None:
    Peer(internet, good() | {TOKEN: answer})
    error = await refused(asker)
    assert (error.code, error.step, error.oauth_code) == (code, "token", oauth_code)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("timeout", "timeout"),
        ("unreachable", "unreachable"),
        ("refused_address", "unreachable"),
        ("tls", "unreachable"),
        ("too_large", "failed"),
        ("broken", "failed"),
    ],
)
async def test_a_peer_that_does_not_answer_is_a_clean_error_and_not_asked_again_at_once(
    asker: NodeUnderTest, internet: SimulatedInternet, broken: PeerCode, code: str
) -> None:
    internet.broken[PEER] = broken
    error = await refused(asker)
    assert (error.code, error.origin, error.step) == (code, PEER, "metadata")
    await refused(asker)
    assert len(internet.calls) == 1
    del internet.broken[PEER]
    Peer(internet, good())
    asker.clock.jump(5)
    token = await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER)
    assert token.access_token == "abc"


@pytest.mark.parametrize(
    "server",
    [
        "",
        "peer.example",
        "http://peer.example/oauth2/zorg",
        "https://",
        "https://peer.example/oauth2/zorg?x=1",
        "https://peer.example/oauth2/zorg#x",
        "https://user@peer.example/",
        "https://peer.example/\n",
        "file:///etc/passwd",
        "https://" + "x" * 3_000,
    ],
)
async def test_an_address_that_can_be_no_issuer_is_not_called(
    asker: NodeUnderTest, internet: SimulatedInternet, server: str
) -> None:
    error = await refused(asker, server)
    assert (error.code, error.step) == ("refused", "metadata")
    assert internet.calls == []


async def test_metadata_and_definition_are_read_once_within_their_max_age(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = Peer(internet, good())
    for _ in range(3):
        await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER, fresh=True)
    assert [urlsplit(request.url).path for request in peer.requests].count(METADATA) == 1
    asker.clock.jump(300)
    await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER, fresh=True)
    assert [urlsplit(request.url).path for request in peer.requests].count(METADATA) == 2


async def test_a_token_that_is_taken_no_more_is_forgotten(asker: NodeUnderTest, internet: SimulatedInternet) -> None:
    peer = Peer(internet, good())
    token = await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER)
    asker.requester.forget(token)
    await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER)
    assert sum(request.method == "POST" for request in peer.requests) == 2
