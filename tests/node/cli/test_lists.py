"""Subjects, credentials, discovery services, the directory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from credentials.did.identifier import DID
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.issue import issue_jwt_credential
from tests.node.cli.desk import Desk

DID_GOUWE = "did:web:gouwe.example%3A8443:iam:1"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DISCOVERY = "/internal/discovery/v1"
DIRECTORY = "/internal/directory/v1/organisations"


async def test_subjects_are_listed_with_their_identifiers(node: Desk) -> None:
    node.says("GET", "/internal/vdr/v2/subject", {"gouwe": [DID_GOUWE], "a": ["did:web:a"]})
    ran = await node.hazel("subject", "list")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["NAME", "IDENTIFIER"], ["a", "did:web:a"], ["gouwe", DID_GOUWE],
    ]  # fmt: skip
    assert (await node.hazel("subject", "list", "--json")).json["gouwe"] == [DID_GOUWE]


async def test_a_subject_is_shown_with_its_keys(node: Desk) -> None:
    node.says("GET", "/internal/vdr/v2/subject/gouwe", [DID_GOUWE])
    method = {"id": f"{DID_GOUWE}#k", "publicKeyJwk": {"kty": "EC", "crv": "P-256"}}
    document = {"document": {"id": DID_GOUWE, "verificationMethod": [method]}}
    node.says("GET", "/internal/vdr/v2/did/did%3Aweb%3Agouwe.example%253A8443%3Aiam%3A1", document)
    ran = await node.hazel("subject", "show")
    assert ran.code == 0
    assert f"{DID_GOUWE}#k  EC P-256" in ran.out
    assert (await node.hazel("subject", "show", "gouwe", "--json")).json == [document]


async def test_an_unknown_subject_is_refused(node: Desk) -> None:
    node.refuses("GET", "/internal/vdr/v2/subject/x", 404, "there is no such subject")
    assert (await node.hazel("subject", "show", "x")).code == 1


async def test_credentials_are_told_in_words(node: Desk) -> None:
    issuer = DID("did:web:issuer.example")
    held = issue_jwt_credential(
        issuer=issuer, subject_id=DID(DID_GOUWE), types=["NutsOrganizationCredential"],
        subject={"organization": {"name": "De Gouwe", "city": "Gouda"}}, key=SoftwareKey.generate(KeyId(f"{issuer}#1")),
        credential_id=f"{issuer}#abc", now=NOW, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip
    node.says("GET", "/internal/vcr/v2/holder/gouwe/vc", [held, {"not": "a credential"}])
    ran = await node.hazel("credential", "list")
    assert ran.code == 0
    assert "NutsOrganizationCredential" in ran.out
    assert "2026-11-23T12:00:00Z" in ran.out
    assert "name De Gouwe; city Gouda" in ran.out
    assert "unreadable" in ran.out
    first = (await node.hazel("credential", "list", "--json")).json[0]
    assert (first["issuer"], first["raw"]) == (issuer, held)


async def test_an_empty_wallet_is_an_empty_list(node: Desk) -> None:
    node.says("GET", "/internal/vcr/v2/holder/other/vc", [])
    assert (await node.hazel("credential", "list", "--subject", "other", "--json")).json == []


async def test_services_are_listed_and_searched(node: Desk) -> None:
    node.says("GET", DISCOVERY, [{"id": "svc", "endpoint": "https://rso.example/discovery/svc"}])
    assert "https://rso.example/discovery/svc" in (await node.hazel("discovery", "list")).out
    found = {"credential_subject_id": "did:web:x", "fields": {"name": "De Oever"}, "registrationParameters": {"a": "b"}}
    node.says("GET", f"{DISCOVERY}/svc", [found])
    ran = await node.hazel("discovery", "search", "svc", "credentialSubject.subject.O=*oe ver&*")
    assert "did:web:x  name De Oever  a b" in ran.out
    assert node.asked[-1].query == "credentialSubject.subject.O=%2Aoe+ver%26%2A"
    assert (await node.hazel("discovery", "search", "svc", "--json")).json == [found]


@pytest.mark.parametrize("condition", ["name", "=x"])
def test_a_condition_without_a_path_or_value_is_wrong_usage(desk: Desk, condition: str) -> None:
    assert desk.run("discovery", "search", "svc", condition).code == 2


async def test_discovery_status_shows_registration_list_and_errors(node: Desk) -> None:
    node.says("GET", DISCOVERY, [{"id": "svc"}, {"id": "other"}])
    replica = {"members": 2, "refreshed_at": "2026-11-22T12:00:00Z", "error": "the host does not answer"}
    active = {
        "activated": True,
        "status": "active",
        "expires_at": "2026-11-22T13:00:00Z",
        "due_at": "2026-11-22T12:30:00Z",
    }
    node.says("GET", f"{DISCOVERY}/svc/gouwe", {**active, "replica": replica})
    node.says("GET", f"{DISCOVERY}/other/gouwe", {"activated": False, "status": "error", "error": "refused"})
    ran = await node.hazel("discovery", "status")
    assert ran.code == 0
    assert "svc      yes         2026-11-22T13:00:00Z  2026-11-22T12:30:00Z  2" in ran.out
    assert "svc: list: the host does not answer" in ran.out
    assert "other: registration: refused" in ran.out
    assert set((await node.hazel("discovery", "status", "--json")).json) == {"svc", "other"}


async def test_joining_says_where_we_can_be_reached(node: Desk) -> None:
    node.says("POST", f"{DISCOVERY}/svc/gouwe")
    ran = await node.hazel("discovery", "join", "svc", "--parameter", "contact=desk=1")
    assert ran.code == 0
    parameters = node.asked[0].json["registrationParameters"]
    assert parameters["contact"] == "desk=1"
    assert parameters["authServerURL"] == "https://gouwe.example/oauth2/gouwe"


async def test_a_registration_that_is_refused_is_told(node: Desk) -> None:
    node.refuses("POST", f"{DISCOVERY}/svc/gouwe", 412, "the wallet has no credentials that fit this service")
    ran = await node.hazel("discovery", "join", "svc")
    assert (ran.code, "the wallet has no credentials" in ran.err) == (1, True)


async def test_leaving_tells_when_the_host_was_not_told(node: Desk) -> None:
    node.says("DELETE", f"{DISCOVERY}/svc/gouwe")
    assert (await node.hazel("discovery", "leave", "svc")).code == 0
    node.says("DELETE", f"{DISCOVERY}/svc/gouwe", {"reason": "the host does not answer"}, status=202)
    ran = await node.hazel("discovery", "leave", "svc")
    assert ran.code == 3
    assert "the host does not answer" in ran.err


async def test_leaving_what_the_configuration_joins_is_undone_by_the_next_start_and_says_so(node: Desk) -> None:
    text = node.config.read_text()
    node.config.write_text(f"{text}discovery: {{join: [svc]}}\n")
    node.says("DELETE", f"{DISCOVERY}/svc/gouwe")
    assert "discovery.join" in (await node.hazel("discovery", "leave", "svc")).err


ORGANISATIONS: list[dict[str, Any]] = [
    {"ura": "90000102", "name": "Thuiszorg De Oever", "city": "Waddinxveen", "fhir": {"stu3": "https://x", "r4": None}},
    {"ura": "90000103", "name": "Ziekenhuis De Linde", "city": "Gouda", "fhir": {"r4": "https://y"}},
]


async def test_the_directory_is_searched_by_use_case_number_and_text(node: Desk) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"organisations": ORGANISATIONS})

    node.answers["GET", DIRECTORY] = answer
    ran = await node.hazel("directory", "search", "oever", "--usecase", "ha-vvt", "--ura", "90000102")
    assert node.asked[0].query == "service=HuisartsVVTInzage&ura=90000102"
    assert "Thuiszorg De Oever" in ran.out
    assert "Linde" not in ran.out
    assert "r4" not in ran.out
    found = (await node.hazel("directory", "search", "GOUDA", "--json")).json["organisations"]
    assert [one["ura"] for one in found] == ["90000103"]


async def test_a_use_case_that_is_not_there_is_not_searched_for(node: Desk) -> None:
    assert (await node.hazel("directory", "search", "--usecase", "nope")).code == 1
    assert node.asked == []
