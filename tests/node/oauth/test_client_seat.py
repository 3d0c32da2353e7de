"""The asking side: what is sent again and what is not, nonces of other servers, deadlines, and a service provider beside us."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from credentials.encoding import b64url_decode
from credentials.fields import parse_json
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.issue import issue_jwt_credential
from node.oauth.errors import TokenRefusedError
from node.oauth.peer_nonces import MAX_NONCE, PeerNonces
from node.oauth.peer_token import PeerToken
from node.ports import HttpRequest, HttpResponse, PeerError
from tests.node.oauth.setting import ASKER_URL, SCOPE, NodeUnderTest, a_node, organization_definition
from tests.node.oauth.test_requester_peers import DEFINITION, METADATA, PEER, SERVER, TOKEN, USER, Peer, good, metadata
from tests.support.certificates import a_uzi_chain
from tests.support.keys import a_did
from tests.support.world import ManualClock, SimulatedInternet, reply

GRANTED = reply({"access_token": "abc", "token_type": "DPoP", "expires_in": 900, "scope": SCOPE})
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
RESOURCE = f"{PEER}/fhir/Patient"


class Changing(Peer):
    """A peer whose token endpoint answers differently each time."""

    def __init__(self, internet: SimulatedInternet, *turns: HttpResponse | PeerError | Callable[[], Any]) -> None:
        super().__init__(internet, good())
        self.turns = list(turns)
        self.reached = asyncio.Event()

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = await super().__call__(request)
        if request.method != "POST":
            return answer
        self.reached.set()
        turn = self.turns.pop(0)
        if isinstance(turn, HttpResponse):
            return turn
        if isinstance(turn, PeerError):
            raise turn
        await turn()
        return GRANTED

    @property
    def posts(self) -> list[HttpRequest]:
        return [request for request in self.requests if request.method == "POST"]


def wants_nonce(nonce: str) -> HttpResponse:
    return reply({"error": "use_dpop_nonce"}, status=400, dpop_nonce=nonce)


def proof(request: HttpRequest) -> dict[str, Any]:
    return dict(parse_json(b64url_decode(request.headers["DPoP"].split(".")[1])))


def assertion(request: HttpRequest, name: str = "assertion") -> dict[str, Any]:
    form = dict(parse_qsl((request.body or b"").decode()))
    return dict(parse_json(b64url_decode(form[name].split(".")[1])))


async def ask(asker: NodeUnderTest, **options: Any) -> PeerToken:
    return await asker.requester.token("oever", authorization_server=SERVER, scope=SCOPE, user=USER, **options)


async def refused(asker: NodeUnderTest, **options: Any) -> TokenRefusedError:
    with pytest.raises(TokenRefusedError) as error:
        await ask(asker, **options)
    return error.value


@pytest.mark.spec("RFC 9449 §8")
async def test_a_server_that_wants_a_nonce_gets_it_in_a_new_proof_with_a_new_presentation(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = Changing(internet, wants_nonce("n-1"), GRANTED, GRANTED)
    await ask(asker)
    first, second = peer.posts
    assert "nonce" not in proof(first)
    assert proof(second)["nonce"] == "n-1"
    assert proof(first)["jti"] != proof(second)["jti"]
    assert assertion(first)["nonce"] != assertion(second)["nonce"]
    await ask(asker, fresh=True)
    assert proof(peer.posts[2])["nonce"] == "n-1"


async def test_a_server_that_is_never_content_with_a_nonce_is_asked_twice_and_no_more(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = Changing(internet, *(wants_nonce(f"n-{number}") for number in range(9)))
    error = await refused(asker)
    assert (error.code, error.oauth_code, len(peer.posts)) == ("refused", "use_dpop_nonce", 2)


@pytest.mark.parametrize("nonce", ["", "a b", 'a"b', "a\\b", "a\r\nX: y", "é", "x" * (MAX_NONCE + 1)])
async def test_a_nonce_that_is_none_is_not_put_into_a_proof(
    asker: NodeUnderTest, internet: SimulatedInternet, nonce: str
) -> None:
    peer = Changing(internet, wants_nonce(nonce))
    assert (await refused(asker)).oauth_code == "use_dpop_nonce"
    assert len(peer.posts) == 1


async def test_a_bearer_token_is_not_asked_for_again_because_of_a_nonce(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = Changing(internet, wants_nonce("n-1"))
    assert (await refused(asker, token_type="Bearer")).code == "refused"
    assert len(peer.posts) == 1


@pytest.mark.spec("RFC 9449 §9")
async def test_a_resource_server_that_wants_a_nonce_gets_it_in_the_next_proof(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    Changing(internet, GRANTED)
    token = await ask(asker)
    challenge = {"www_authenticate": 'Bearer, DPoP error="use_dpop_nonce"', "dpop_nonce": "r-1"}
    assert token.is_challenged(RESOURCE, reply("", status=401, **challenge))
    headers = await token.headers("GET", RESOURCE, asker.clock.now(), "j")
    assert parse_json(b64url_decode(headers["DPoP"].split(".")[1]))["nonce"] == "r-1"
    elsewhere = await token.headers("GET", "https://other.example/fhir/Patient", asker.clock.now(), "j")
    assert "nonce" not in parse_json(b64url_decode(elsewhere["DPoP"].split(".")[1]))


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {"dpop_nonce": "r-1"}),
        (401, {"dpop_nonce": "r-1", "www_authenticate": 'DPoP error="invalid_token"'}),
        (401, {"dpop_nonce": "r-1"}),
        (401, {"www_authenticate": 'DPoP error="use_dpop_nonce"'}),
        (403, {"dpop_nonce": "r-1", "www_authenticate": 'DPoP error="use_dpop_nonce"'}),
        (401, {"dpop_nonce": "r-1", "www_authenticate": 'Bearer error="use_dpop_nonce"'}),
    ],
)
async def test_a_request_is_sent_again_for_a_nonce_only(
    asker: NodeUnderTest, internet: SimulatedInternet, status: int, headers: dict[str, str]
) -> None:
    Changing(internet, GRANTED)
    token = await ask(asker)
    assert not token.is_challenged(RESOURCE, reply("", status=status, **headers))


def test_nonces_of_many_servers_stay_few() -> None:
    nonces = PeerNonces()
    for number in range(2_000):
        nonces.demanded_for_token(f"https://{number}.example/token", wants_nonce(f"n-{number}"))
    assert nonces.for_token("https://0.example/token") is None
    assert nonces.for_token("https://1999.example/token") == "n-1999"


async def test_a_lost_connection_is_tried_again_once_with_everything_new(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = Changing(internet, PeerError("unreachable", PEER), GRANTED)
    await ask(asker)
    first, second = peer.posts
    assert assertion(first)["jti"] != assertion(second)["jti"]
    assert assertion(first)["nonce"] != assertion(second)["nonce"]
    peer.turns = [PeerError("unreachable", PEER)] * 3
    assert (await refused(asker, fresh=True)).code == "unreachable"
    assert len(peer.posts) == 4


@pytest.mark.parametrize("code", ["timeout", "too_large", "broken", "tls", "refused_address"])
async def test_nothing_else_that_fails_is_tried_again(
    asker: NodeUnderTest, internet: SimulatedInternet, code: Any
) -> None:
    peer = Changing(internet, PeerError(code, PEER), GRANTED)
    await refused(asker)
    assert len(peer.posts) == 1


async def test_a_server_that_is_busy_for_a_moment_is_asked_again_after_it(
    asker: NodeUnderTest, internet: SimulatedInternet, clock: ManualClock
) -> None:
    peer = Changing(internet, reply({}, status=503, retry_after="1"), GRANTED)
    asking = asyncio.create_task(ask(asker))
    await peer.reached.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(peer.posts) == 1
    await clock.advance(1)
    assert (await asking).access_token == "abc"


@pytest.mark.parametrize("after", ["30", "3", "-1", "1.5", "Sun, 22 Nov 2026 19:00:00 GMT", ""])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_is_busy_for_longer_is_not(
    asker: NodeUnderTest, internet: SimulatedInternet, status: int, after: str
) -> None:
    peer = Changing(internet, reply({"error": "zq7"}, status=status, retry_after=after), GRANTED)
    error = await refused(asker)
    assert (error.code, error.status, len(peer.posts)) == ("busy", status, 1)


@pytest.mark.parametrize(("path", "step"), [(METADATA, "metadata"), (DEFINITION, "definition"), (TOKEN, "token")])
async def test_a_peer_that_is_endlessly_slow_is_given_up_after_thirty_seconds(
    asker: NodeUnderTest, internet: SimulatedInternet, clock: ManualClock, path: str, step: str
) -> None:
    peer = Peer(internet, good())
    reached = asyncio.Event()

    async def slow(request: HttpRequest) -> HttpResponse:
        if request.url.endswith(path) or f"{path}?" in request.url:
            reached.set()
            await asyncio.Event().wait()
        return await peer(request)

    internet.sites[PEER] = slow
    asking = asyncio.create_task(refused(asker))
    await reached.wait()
    await clock.advance(31)
    error = await asking
    assert (error.code, error.step) == ("timeout", step)


@pytest.mark.parametrize(
    "first",
    [
        reply("<html>", content_type="text/html"),
        reply({}, status=400),
        reply({}, status=403),
        reply({}, status=405),
    ],
)
async def test_metadata_is_looked_for_at_the_appended_address_whatever_the_first_one_says(
    asker: NodeUnderTest, internet: SimulatedInternet, first: HttpResponse
) -> None:
    answers = good()
    answers["/oauth2/zorg/.well-known/oauth-authorization-server"] = answers[METADATA]
    Peer(internet, answers | {METADATA: first})
    assert (await ask(asker)).access_token == "abc"


@pytest.mark.spec("WIRE §0")
async def test_a_server_that_publishes_no_definitions_gets_what_we_would_ask_ourselves(
    asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = Peer(internet, good() | {METADATA: reply(metadata(presentation_definition_endpoint=None))})
    await ask(asker)
    assert json.loads(peer.posted()["presentation_submission"])["definition_id"] == "pd_organization"
    with pytest.raises(TokenRefusedError) as error:
        await asker.requester.token("oever", authorization_server=SERVER, scope="unknown", user=USER)
    assert (error.value.code, error.value.step) == ("unknown_scope", "definition")


# A service provider beside the organisation.


def service_provider_definition() -> dict[str, Any]:
    """A contract that names the organisation by the field id that the organisation's own definition has."""
    return {
        "id": "pd_service_provider",
        "input_descriptors": [
            {
                "id": "id_contract",
                "constraints": {
                    "fields": [
                        {"path": ["$.type"], "filter": {"type": "string", "const": "ContractCredential"}},
                        {
                            "id": "organization_ura",
                            "path": ["$.credentialSubject[0].ura", "$.credentialSubject.ura"],
                            "filter": {"type": "string"},
                        },
                    ]
                },
            }
        ],
    }


@pytest.fixture
async def pair(internet: SimulatedInternet, clock: ManualClock, tmp_path: Path) -> Any:
    """A node with an organisation, and a service provider with contracts of two organisations."""
    definitions = {
        SCOPE: {"organization": organization_definition(), "service_provider": service_provider_definition()},
        "alone": {"organization": organization_definition()},
    }
    async with a_node(internet, ASKER_URL, tmp_path, clock, definitions) as node:
        await node.found("oever", a_uzi_chain())
        provider = await node.found("dienst")
        for ura in ("00009999", "00001111"):
            issuer = a_did("issuer")
            raw = issue_jwt_credential(
                issuer=issuer, subject_id=provider, types=["ContractCredential"], subject={"ura": ura},
                key=SoftwareKey.generate(KeyId(f"{issuer}#1")), credential_id=f"{issuer}#{ura}", now=clock.now(), expires_at=None,
            )  # fmt: skip
            await node.wallet.load("dienst", raw, clock.now())
        yield node


def takes_two(internet: SimulatedInternet) -> Peer:
    return Peer(internet, good() | {METADATA: reply(metadata(grant_types_supported=["vp_token-bearer", JWT_BEARER]))})


@pytest.mark.spec("WIRE §2.5.6")
async def test_an_organisation_and_its_service_provider_present_each_for_itself(
    pair: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = takes_two(internet)
    token = await ask(pair, service_provider="dienst")
    form = peer.posted()
    assert set(form) == {"grant_type", "assertion", "client_assertion_type", "client_assertion", "scope"}
    assert form["grant_type"] == JWT_BEARER
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    [post] = [request for request in peer.requests if request.method == "POST"]
    ours, theirs = assertion(post), assertion(post, "client_assertion")
    assert ours["aud"] == theirs["aud"] == [SERVER]
    assert ours["nonce"] != theirs["nonce"]
    assert ours["sub"] == (await pair.subjects.get("oever")).dids[0]
    assert theirs["sub"] == (await pair.subjects.get("dienst")).dids[0]
    assert token.kid is not None
    assert token.kid.startswith(theirs["sub"])


async def test_the_service_provider_shows_its_contract_with_this_organisation(
    pair: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = takes_two(internet)
    await ask(pair, service_provider="dienst")
    [post] = [request for request in peer.requests if request.method == "POST"]
    [contract] = assertion(post, "client_assertion")["vp"]["verifiableCredential"]
    said = parse_json(b64url_decode(contract.split(".")[1]))
    assert [about["ura"] for about in said["vc"]["credentialSubject"]] == ["00001111"]


async def test_a_token_for_a_service_provider_is_another_one(pair: NodeUnderTest, internet: SimulatedInternet) -> None:
    peer = takes_two(internet)
    await ask(pair, service_provider="dienst")
    await ask(pair)
    await ask(pair, service_provider="dienst")
    assert sum(request.method == "POST" for request in peer.requests) == 2


async def test_a_server_that_takes_no_service_provider_gets_nothing(
    pair: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = Peer(internet, good())
    error = await refused(pair, service_provider="dienst")
    assert (error.code, error.step) == ("no_such_grant", "metadata")
    assert all(request.method == "GET" for request in peer.requests)


async def test_without_a_definition_for_service_providers_nothing_is_presented(
    pair: NodeUnderTest, internet: SimulatedInternet
) -> None:
    peer = takes_two(internet)
    with pytest.raises(TokenRefusedError) as error:
        await pair.requester.token(
            "oever", authorization_server=SERVER, scope="alone", user=USER, service_provider="dienst"
        )
    assert error.value.code == "unknown_scope"
    assert all(request.method == "GET" for request in peer.requests)


async def test_a_service_provider_without_a_contract_is_no_match(
    pair: NodeUnderTest, internet: SimulatedInternet
) -> None:
    takes_two(internet)
    await pair.found("zonder")
    assert (await refused(pair, service_provider="zonder")).code == "no_match"


async def test_the_vendor_names_the_service_provider_as_with_nuts_node(
    pair: NodeUnderTest, internet: SimulatedInternet
) -> None:
    takes_two(internet)
    employee = {
        "@context": ["https://www.w3.org/2018/credentials/v1", "https://nuts.nl/credentials/v1"],
        "type": ["VerifiableCredential", "NutsEmployeeCredential"],
        "credentialSubject": USER.to_subject(),
    }
    body = {
        "authorization_server": SERVER,
        "scope": SCOPE,
        "credentials": [employee],
        "service_provider_subject_id": "dienst",
    }
    async with pair.internal.post("/internal/auth/v2/oever/request-service-access-token", json=body) as answer:
        said = await answer.json()
        assert (answer.status, said["token_type"]) == (200, "DPoP")
    assert said["dpop_kid"].startswith((await pair.subjects.get("dienst")).dids[0])
