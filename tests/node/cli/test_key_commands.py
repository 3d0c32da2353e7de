"""Keys and organisations at the terminal."""

import pytest

from tests.node.cli.desk import Desk

DID = "did:web:gouwe.example:iam:1"
KEYS = "/internal/keys/v1/gouwe"
OLD = {"kid": f"{DID}#old", "did": DID, "state": "verifies", "created_at": "2026-01-01T00:00:00Z", "removed_at": None}
NEW = {"kid": f"{DID}#new", "did": DID, "state": "signs", "created_at": "2026-11-22T12:00:00Z", "removed_at": None}


async def test_keys_are_listed_with_their_state_and_age(node: Desk) -> None:
    node.says("GET", KEYS, [NEW, OLD])
    ran = await node.hazel("key", "list")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["STATE", "SINCE", "REMOVED", "KEY"],
        ["signs", "2026-11-22T12:00:00Z", "-", NEW["kid"]],
        ["verifies", "2026-01-01T00:00:00Z", "-", OLD["kid"]],
    ]
    assert (await node.hazel("key", "list", "--json")).json == [NEW, OLD]
    node.says("GET", "/internal/keys/v1/other", [])
    assert (await node.hazel("key", "list", "--subject", "other")).code == 0


async def test_a_rotation_says_which_key_signs_now(node: Desk) -> None:
    node.says("POST", f"{KEYS}/rotate", {"made": [NEW["kid"]]})
    ran = await node.hazel("key", "rotate")
    assert ran.code == 0
    assert str(NEW["kid"]) in ran.err
    assert "hazel key retire" in ran.err
    assert (await node.hazel("key", "rotate", "--json")).json == {"made": [NEW["kid"]]}


async def test_an_older_key_is_retired(node: Desk) -> None:
    node.says("POST", f"{KEYS}/retire", status=204)
    ran = await node.hazel("key", "retire", str(OLD["kid"]))
    assert ran.code == 0
    assert node.asked[-1].json == {"kid": OLD["kid"]}
    node.refuses("POST", f"{KEYS}/retire", 409, "this key signs: rotate first, or call it compromised")
    ran = await node.hazel("key", "retire", str(NEW["kid"]))
    assert (ran.code, "this key signs" in ran.err) == (1, True)


async def test_a_compromised_key_is_taken_out_and_the_new_one_told(node: Desk) -> None:
    node.says("POST", f"{KEYS}/compromise", {"signs": NEW["kid"]})
    ran = await node.hazel("key", "compromise", str(OLD["kid"]))
    assert ran.code == 0
    assert str(NEW["kid"]) in ran.err
    assert node.asked[-1].json == {"kid": OLD["kid"]}
    assert (await node.hazel("key", "compromise", str(OLD["kid"]), "--json")).json == {"signs": NEW["kid"]}


def test_a_key_has_to_be_named(desk: Desk) -> None:
    for verb in ("retire", "compromise"):
        assert desk.run("key", verb).code == 2


async def test_organisations_are_created_and_shown_with_their_services(node: Desk) -> None:
    service = {"id": f"{DID}#s", "type": "fhir", "serviceEndpoint": "https://gouwe.example/fhir"}
    document = {"id": DID, "verificationMethod": [], "service": [service]}
    node.says("POST", "/internal/vdr/v2/subject", {"subject": "tweede", "documents": [document]})
    ran = await node.hazel("subject", "create", "tweede")
    assert ran.code == 0
    assert DID in ran.err
    assert node.asked[-1].json == {"subject": "tweede"}
    assert (await node.hazel("subject", "create", "tweede", "--json")).json["subject"] == "tweede"
    node.says("GET", "/internal/vdr/v2/subject/tweede", [DID])
    node.says("GET", "/internal/vdr/v2/did/did%3Aweb%3Agouwe.example%3Aiam%3A1", {"document": document})
    assert "service  fhir  https://gouwe.example/fhir" in (await node.hazel("subject", "show", "tweede")).out


async def test_an_organisation_goes_only_when_that_is_meant(node: Desk) -> None:
    node.refuses("GET", "/internal/vdr/v2/subject/twede", 404, "subject not found", "see: hazel subject list")
    ran = await node.hazel("subject", "deactivate", "twede")
    assert (ran.code, "--yes" in ran.err, "see: hazel subject list" in ran.err) == (1, False, True)
    node.says("GET", "/internal/vdr/v2/subject/tweede", [DID])
    ran = await node.hazel("subject", "deactivate", "tweede")
    assert (ran.code, "--yes" in ran.err, {one.method for one in node.asked}) == (2, True, {"GET"})
    node.says("DELETE", "/internal/vdr/v2/subject/tweede", status=204)
    assert (await node.hazel("subject", "deactivate", "tweede", "--yes")).code == 0


@pytest.mark.parametrize("given", [["--pkcs11-token", "x"], ["--pkcs11-module", "x", "--pkcs11-token", "x"]])
def test_a_token_needs_its_module_and_pin(desk: Desk, given: list[str]) -> None:
    ran = desk.run(
        "init", desk.directory / "new", "--name", "n", "--city", "c", "--ura", "90000101", "--url", "https://n.example",
        *given,
    )  # fmt: skip
    assert (ran.code, "go together" in ran.err) == (2, True)
