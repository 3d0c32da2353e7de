"""Wallet and issued credentials from the terminal."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from credentials.did.identifier import DID
from credentials.keys import KeyId, SoftwareKey
from credentials.status.build import status_entry
from credentials.vc.issue import issue_jwt_credential
from node.world import SystemClock
from tests.node.cli.desk import BSN, Desk

OWN = "did:web:gouwe.example%3A8443:iam:1"
ISSUER = DID("did:web:issuer.example")
HOLDER = "/internal/vcr/v2/holder/gouwe/vc"
ISSUED = "/internal/vcr/v2/issuer/vc"
SUBJECT = "/internal/vdr/v2/subject/gouwe"


def a_credential(seed: str = "abc", days: int = 30, type_: str = "NutsOrganizationCredential") -> str:
    now = SystemClock().now() - timedelta(days=10)
    return issue_jwt_credential(
        issuer=ISSUER, subject_id=DID(OWN), types=[type_], subject={"organization": {"name": "De Gouwe", "tags": ["x"]}},
        key=SoftwareKey.generate(KeyId(f"{ISSUER}#1")), credential_id=f"{ISSUER}#{seed}", now=now,
        expires_at=now + timedelta(days=days), statuses=[status_entry("https://issuer.example/statuslist/1", 1)],
    )  # fmt: skip


def found(*credentials: str, revoked: str | None = None) -> Any:
    results: list[dict[str, Any]] = [{"verifiableCredential": each} for each in credentials]
    if revoked is not None:
        results[0]["revocation"] = {"date": revoked}
    return {"verifiableCredentials": results}


async def test_the_whole_wallet_is_listed_with_its_state(node: Desk) -> None:
    node.says(
        "GET", f"{HOLDER}/search", found(a_credential(), a_credential("old", days=1), revoked="2026-11-22T12:00:00Z")
    )
    ran = await node.hazel("credential", "list", "--all")
    assert ran.code == 0
    assert "STATE" in ran.out.splitlines()[0]
    assert ran.out.splitlines()[1].endswith("revoked")
    assert ran.out.splitlines()[2].endswith("expired")
    assert (await node.hazel("credential", "list", "--all", "--type", "Other", "--json")).json == []


async def test_what_was_issued_is_listed_for_every_identifier(node: Desk) -> None:
    node.says("GET", SUBJECT, [OWN])
    node.says("GET", f"{ISSUED}/search", found(a_credential()))
    ran = await node.hazel("credential", "list", "--issued")
    assert parse_qs(node.asked[-1].query) == {"issuer": [OWN]}
    assert OWN[:20] in ran.out
    assert "stands" in ran.out


async def test_one_credential_is_shown_by_its_id_or_the_end_of_it(node: Desk) -> None:
    node.says("GET", f"{HOLDER}/search", found(a_credential("abc"), a_credential("xbc")))
    ran = await node.hazel("credential", "show", "#abc")
    assert ran.code == 0
    assert f"{ISSUER}#abc" in ran.out
    assert "name De Gouwe; tags x" in ran.out
    assert (await node.hazel("credential", "show", f"{ISSUER}#abc", "--json")).json["can_be_revoked"] is True
    several = await node.hazel("credential", "show", "bc")
    assert (several.code, "2 credentials" in several.err) == (1, True)
    assert (await node.hazel("credential", "show", "nothing")).code == 1


async def test_a_credential_is_issued_from_words_and_json(node: Desk) -> None:
    node.says("GET", SUBJECT, ["did:jwk:e30", OWN])
    node.says("POST", ISSUED, "a.b.c")
    ran = await node.hazel(
        "credential", "issue", "NutsUraCredential", "--to", "did:web:oever.example", "--days", "30",
        "--claim", "organization.city=Gouda", "--claims", "-", stdin='{"organization": {"name": "De Oever"}}',
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, "a.b.c\n")
    body = node.asked[-1].json
    assert body["issuer"] == OWN
    assert body["credentialSubject"] == {
        "organization": {"name": "De Oever", "city": "Gouda"}, "id": "did:web:oever.example",
    }  # fmt: skip
    assert "@context" not in body, "which context a type has, the node knows"
    assert (body["format"], body["withStatusList2021Revocation"]) == ("jwt_vc", True)
    assert body["expirationDate"].endswith("Z")
    assert len(node.asked[-1].headers["Idempotency-Key"]) == 36


async def test_how_it_is_signed_and_revoked_can_be_chosen(node: Desk) -> None:
    node.says("GET", SUBJECT, [OWN])
    node.says("POST", ISSUED, {"id": "x"})
    ran = await node.hazel("credential", "issue", "OwnCredential", "--format", "json-ld", "--status", "bitstring")
    assert ran.json == {"id": "x"}
    body = node.asked[-1].json
    assert (body["format"], body["withBitstringStatusListRevocation"]) == ("ldp_vc", True)
    assert body["credentialSubject"] == {"id": OWN}
    await node.hazel(
        "credential", "issue", "OwnCredential", "--status", "none", "--days", "1", "--context", "https://c"
    )
    assert node.asked[-1].json["withStatusList2021Revocation"] is False
    assert node.asked[-1].json["@context"] == ["https://c"]


@pytest.mark.parametrize(
    "words",
    [
        ("--claim", f"patient={BSN}"),
        ("--claim", "name"),
        ("--claim", "=x"),
        ("--claim", "a=1", "--claim", "a.b=2"),
        ("--claim", "a=1", "--claim", "a=2"),
        ("--claims", "nowhere.json"),
        ("--claims", "-"),
        ("--status", "none"),
        ("--days", "0"),
        ("--days", "99999999999"),
    ],
)
async def test_what_can_not_be_issued_is_wrong_usage(node: Desk, words: tuple[str, ...]) -> None:
    node.says("GET", SUBJECT, [OWN])
    ran = await node.hazel("credential", "issue", "OwnCredential", *words, stdin='["not an object"]')
    assert ran.code == 2
    assert BSN not in ran.err
    assert not [asked for asked in node.asked if asked.method == "POST"]
    about = await node.hazel("credential", "issue", "OwnCredential", "--claims", "-", stdin='{"id": "did:web:x"}')
    assert (about.code, "--to" in about.err) == (2, True)


async def test_a_credential_is_imported_from_a_file_or_standard_input(node: Desk) -> None:
    node.says("POST", HOLDER, status=204)
    for given, sent in [("a.b.c\n", "a.b.c"), ('{"id": 1}', {"id": 1}), ('"a.b.c"', "a.b.c")]:
        (node.directory / "credential").write_text(given, encoding="utf-8")
        assert (await node.hazel("credential", "import", node.directory / "credential")).code == 0
        assert node.asked[-1].json == sent
        assert (await node.hazel("credential", "import", "-", stdin=given)).code == 0
        assert node.asked[-1].json == sent
    assert (await node.hazel("credential", "import", "-", stdin='{"a"')).code == 2
    node.refuses("POST", HOLDER, 400, "signature does not match")
    refused = await node.hazel("credential", "import", "-", stdin="a.b.c")
    assert "signature does not match" in refused.err


async def test_what_holds_and_what_does_not_is_told_by_the_exit_code(node: Desk) -> None:
    node.says("POST", "/internal/vcr/v2/verifier/vc", {"validity": True})
    node.says("POST", "/internal/vcr/v2/verifier/vp", {"validity": False, "message": "expired"})
    ran = await node.hazel("credential", "verify", "-", stdin=a_credential())
    assert (ran.code, ran.out) == (0, "it holds\n")
    presentation = json.dumps({"type": ["VerifiablePresentation"]})
    for given in (presentation, "e30.eyJ2cCI6e319.x"):
        ran = await node.hazel("credential", "verify", "-", stdin=given)
        assert (ran.code, ran.out) == (1, "it does NOT hold: expired\n")
    assert (await node.hazel("credential", "verify", "-", "--json", stdin="x")).json == {"validity": True}


async def test_a_credential_is_revoked_by_the_end_of_its_id(node: Desk) -> None:
    node.says("GET", SUBJECT, [OWN])
    node.says("GET", f"{ISSUED}/search", found(a_credential()))
    node.says("DELETE", f"{ISSUED}/did%3Aweb%3Aissuer.example%23abc", status=204)
    ran = await node.hazel("credential", "revoke", "abc")
    assert (ran.code, "within a minute" in ran.err) == (0, True)
    node.refuses("DELETE", f"{ISSUED}/did%3Aweb%3Aissuer.example%23abc", 409, "credential is revoked")
    assert (await node.hazel("credential", "revoke", "abc")).code == 1


async def test_a_credential_is_taken_out_of_the_wallet(node: Desk) -> None:
    node.says("GET", f"{HOLDER}/search", found(a_credential()))
    node.says("DELETE", f"{HOLDER}/did%3Aweb%3Aissuer.example%23abc", status=204)
    assert (await node.hazel("credential", "remove", "abc")).code == 0


async def test_what_will_expire_is_told_with_what_to_do(node: Desk) -> None:
    one = {"id": "1", "issuer": ISSUER, "type": ["A"], "expirationDate": "2026-11-25T12:00:00Z", "renewedHere": False}
    x509 = {**one, "issuer": "did:x509:0:sha256:x::subject:O:y"}
    node.says("GET", "/internal/vcr/v2/holder/expiring", {"gouwe": [one, x509, {**one, "renewedHere": True}]})
    ran = await node.hazel("credential", "expiring", "--days", "7")
    assert node.asked[-1].query == "within=168h"
    for advice in ("ask its issuer", "renew the certificate", "this node renews it"):
        assert advice in ran.out
    assert (await node.hazel("credential", "expiring", "--json")).json["gouwe"][0] == one
    node.says("GET", "/internal/vcr/v2/holder/expiring", {})
    assert "nothing expires" in (await node.hazel("credential", "expiring")).err
    assert (await node.hazel("credential", "expiring", "--days", "-1")).code == 2


def test_a_file_that_can_not_be_read_says_why_and_nothing_of_what_it_holds(desk: Desk) -> None:
    ran = desk.run("credential", "import", desk.directory / "nowhere.jwt")
    assert (ran.code, "nowhere.jwt can not be read: No such file or directory" in ran.err) == (2, True)
    (desk.directory / "latin.jwt").write_bytes(b"zq7\xff")
    ran = desk.run("credential", "verify", desk.directory / "latin.jwt")
    assert (ran.code, "it is not text in UTF-8" in ran.err, "zq7" in ran.err) == (2, True, False)
