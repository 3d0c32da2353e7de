"""Why do our credentials not do?"""

from typing import Any

import pytest

from tests.node.cli.desk import Desk

PATH = "/internal/explain/v1/gouwe/credentials"
X509 = {
    "id": "did:x509:0:sha256:" + "a" * 60 + "#1",
    "type": "X509Credential",
    "fits": True,
    "reason": None,
    "field": None,
}
EMPLOYEE = {"id": "2", "type": "NutsEmployeeCredential", "fits": False, "field": "employee_role",
            "reason": "it has nothing at $.credentialSubject.roleName"}  # fmt: skip
TOLD: dict[str, Any] = {
    "scope": "s", "authorization_server": None, "satisfied": False,
    "definitions": [{"id": "pd", "wallet_owner": "organization", "holders": [{
        "did": "did:web:gouwe.example", "satisfied": False, "message": "no credential fits input descriptor b",
        "input_descriptors": [
            {"id": "a", "name": "The organisation", "types": [], "chosen": X509["id"], "credentials": [X509, {**X509, "id": "3"}]},
            {"id": "b", "name": "", "types": ["NutsEmployeeCredential"], "chosen": None, "credentials": [EMPLOYEE], "not_told": 7},
            {"id": "c", "name": "", "types": ["C"], "chosen": None, "credentials": []},
            {"id": "d", "name": "", "types": [], "chosen": None, "credentials": []},
        ]}]}],
}  # fmt: skip


async def test_every_credential_is_shown_with_the_field_that_fails(node: Desk) -> None:
    node.says("POST", PATH, TOLD)
    ran = await node.hazel("credential", "explain", "s")
    assert ran.code == 1, "the wallet does not do, which a script has to notice"
    assert node.asked[0].json == {
        "scope": "s", "authorization_server": None, "credential_selection": {},
        "user": {"identifier": "U-1001", "name": "J. Jansen", "role": "01.015"},
    }  # fmt: skip
    lines = ran.out.splitlines()
    assert "pd, asked of the organization" in lines
    assert "a (The organisation)" in lines
    assert any(line.startswith("shown  X509Credential  -") and "every field fits" in line for line in lines)
    assert any(line.startswith("fits ") for line in lines)
    assert any(line.split()[:3] == ["no", "NutsEmployeeCredential", "employee_role"] for line in lines)
    assert "it has nothing at $.credentialSubject.roleName" in ran.out
    assert "  and 7 more" in lines
    assert "  there is no credential at all; one of type C is asked for" in lines
    assert "  there is no credential at all" in lines
    assert lines[-1] == "the wallet does NOT have what is asked"


async def test_another_server_a_person_and_a_selection_are_handed_on(node: Desk) -> None:
    node.says("POST", PATH, {"satisfied": True, "definitions": []})
    ran = await node.hazel(
        "credential", "explain", "s", "--server", "https://wending.example/oauth2/wending", "--user", "U-2", "--role", "x",
        "--select", "patient_id=12=3", "--select", "b=",
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, "the wallet has what is asked\n")
    assert node.asked[0].json == {
        "scope": "s", "authorization_server": "https://wending.example/oauth2/wending",
        "user": {"identifier": "U-2", "name": "U-2", "role": "x"}, "credential_selection": {"patient_id": "12=3", "b": ""},
    }  # fmt: skip


def without_cli_user(node: Desk) -> None:
    kept = node.config.read_text(encoding="utf-8").partition("cli_user:")[0]
    node.config.write_text(kept, encoding="utf-8")


async def test_what_we_say_of_our_own_people_is_not_looked_for_in_the_wallet_but_asked_of_who_types(node: Desk) -> None:
    node.says("POST", PATH, TOLD)
    ran = await node.hazel("credential", "explain", "s")
    assert "add --user" not in ran.out, "somebody was named, by the configuration: something else is wrong"
    without_cli_user(node)
    ran = await node.hazel("credential", "explain", "s")
    assert (ran.code, node.asked[-1].json["user"]) == (1, None)
    assert ran.out.count("add --user, --role and --name") == 1
    ran = await node.hazel("credential", "explain", "s", "--user", "U-2", "--role", "x")
    assert "add --user" not in ran.out


async def test_the_id_of_a_use_case_stands_for_its_scope(node: Desk) -> None:
    node.says("POST", PATH, {"satisfied": True, "definitions": []})
    ran = await node.hazel("credential", "explain", "ha-vvt")
    assert (ran.code, node.asked[-1].json["scope"]) == (0, "HuisartsVVTInzage")
    assert "ha-vvt is the use case; its scope is HuisartsVVTInzage" in ran.err
    assert "ha-vvt" not in ran.out
    ran = await node.hazel("credential", "explain", "HuisartsVVTInzage")
    assert (node.asked[-1].json["scope"], ran.err) == ("HuisartsVVTInzage", "")


async def test_an_unknown_scope_ends_as_wrong_usage_with_the_scopes_there_are(node: Desk) -> None:
    node.refuses("POST", PATH, 400, "scope is not known here", "the scopes known here: a, b")
    ran = await node.hazel("credential", "explain", "nothing")
    assert (ran.code, "the scopes known here: a, b" in ran.err) == (2, True)


async def test_programs_get_json(node: Desk) -> None:
    node.says("POST", PATH, TOLD)
    assert (await node.hazel("credential", "explain", "s", "--json")).json == TOLD


@pytest.mark.parametrize("word", ["patient_id", "=x"])
def test_a_selection_is_a_field_and_a_value(desk: Desk, word: str) -> None:
    assert desk.run("credential", "explain", "s", "--select", word).code == 2
