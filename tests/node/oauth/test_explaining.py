"""Would the wallet do, and where not: the vendor's question before, or after, a token was refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from credentials.keys import KeyId, SoftwareKey
from credentials.vc.issue import issue_jwt_credential
from node.identity.wallet import Held
from node.oauth import explaining
from node.oauth.peer_metadata import ServerMetadata
from tests.node.oauth.setting import HOLDER, SCOPE, NodeUnderTest
from tests.node.oauth.test_vendor_api import EMPLOYEE, call
from tests.support.keys import a_did

USER = {"identifier": "U-1001", "name": "J. Jansen", "role": "01.015"}


async def explained(node: NodeUnderTest, subject: str = "oever", **members: Any) -> tuple[int, Any]:
    body = {"scope": SCOPE, "authorization_server": HOLDER} | members
    return await call(node, f"/internal/explain/v1/{subject}/credentials", body)


async def held(node: NodeUnderTest, kind: str, number: int = 1, *, lifetime: timedelta | None = None) -> str:
    """Put a credential of ``kind`` into the wallet of ``oever``; return its id."""
    issuer, now = a_did("issuer"), node.clock.now()
    subject = (await node.subjects.get("oever")).dids[0]
    raw = issue_jwt_credential(
        issuer=issuer, subject_id=subject, types=[kind], subject={"x": number}, key=SoftwareKey.generate(KeyId(f"{issuer}#1")),
        credential_id=f"{issuer}#{kind}{number}", now=now, expires_at=None if lifetime is None else now + lifetime,
    )  # fmt: skip
    return (await node.wallet.load("oever", raw, now)).id


def descriptors(told: Any) -> dict[str, Any]:
    (definition,) = told["definitions"]
    (holder,) = definition["holders"]
    return {each["id"]: each for each in holder["input_descriptors"]}


async def test_what_another_server_asks_is_compared_with_the_wallet_credential_by_credential(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    status, told = await explained(asker)
    assert (status, told["satisfied"], told["scope"]) == (200, False, SCOPE)
    (definition,) = told["definitions"]
    assert (definition["wallet_owner"], definition["id"]) == ("organization", "pd_organization")
    assert definition["fields"] == [
        "employee_identifier", "employee_name", "employee_role", "organization_city", "organization_name", "organization_ura",
    ]  # fmt: skip
    assert definition["holders"][0]["message"] == "no credential fits input descriptor id_employeecredential"
    found = descriptors(told)
    (organisation,) = found["id_x509credential"]["credentials"]
    assert (organisation["fits"], organisation["type"], organisation["reason"]) == (True, "X509Credential", None)
    (other,) = found["id_employeecredential"]["credentials"]
    assert other["reason"] == '$.type is an array, and one of its values has to be "NutsEmployeeCredential"; none does'
    assert (other["paths"], other["field"]) == (["$.type"], None)
    assert found["id_employeecredential"]["types"] == ["NutsEmployeeCredential"]


@pytest.mark.parametrize("said", [{"user": USER}, {"credentials": [EMPLOYEE]}])
async def test_what_the_organisation_says_itself_counts(
    holder: NodeUnderTest, asker: NodeUnderTest, said: dict[str, Any]
) -> None:
    _, told = await explained(asker, **said)
    assert told["satisfied"] is True
    found = descriptors(told)
    shown = {name: each["chosen"] for name, each in found.items()}
    assert shown == {name: each["credentials"][0]["id"] for name, each in found.items()}
    assert found["id_employeecredential"]["credentials"][0]["self_attested"] is True


async def test_without_a_server_it_is_what_this_node_asks_itself(asker: NodeUnderTest) -> None:
    status, told = await explained(asker, authorization_server=None, user=USER)
    assert (status, told["authorization_server"]) == (200, None)
    status, told = await explained(asker, authorization_server=None, scope="other")
    assert (status, told["code"]) == (400, "invalid_scope")
    assert told["remedy"].startswith(f"the scopes known here: {SCOPE};")


async def test_a_credential_that_is_out_of_date_is_told_with_its_date(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    identifier = await held(asker, "NutsEmployeeCredential", lifetime=timedelta(minutes=1))
    asker.clock.jump(120)
    first, _ = descriptors((await explained(asker))[1])["id_employeecredential"]["credentials"]
    assert first["id"] == identifier, "what has the right type comes before what does not"
    assert first["reason"] == f"it expired on {first['expires']}"
    asker.clock.jump(-3_600)
    first, _ = descriptors((await explained(asker))[1])["id_employeecredential"]["credentials"]
    assert first["reason"].startswith("it is not valid before 2026-")


async def test_a_credential_that_was_revoked_here_is_told(
    holder: NodeUnderTest, asker: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await held(asker, "NutsEmployeeCredential")
    listed = await asker.wallet.list("oever")

    async def revoked(_subject: str) -> list[Held]:
        return [replace(each, revoked_at=1) for each in listed]

    monkeypatch.setattr(asker.wallet, "list", revoked)
    first, _ = descriptors((await explained(asker))[1])["id_employeecredential"]["credentials"]
    assert (first["fits"], first["reason"]) == (False, "it was revoked")


async def test_a_kind_of_identifier_that_the_other_side_does_not_understand_is_told(
    holder: NodeUnderTest, asker: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = await asker.requester.servers.server(HOLDER)

    async def changed(_issuer: str) -> ServerMetadata:
        return replace(metadata, did_methods=("nuts", "jwk"))

    monkeypatch.setattr(asker.requester.servers, "server", changed)
    _, told = await explained(asker, user=USER)
    assert told["satisfied"] is False
    assert told["definitions"][0]["holders"][0]["message"] == "the other side understands only did:jwk, did:nuts"


async def test_a_selection_narrows_here_as_it_does_for_a_token(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    _, told = await explained(asker, user=USER, credential_selection={"employee_identifier": "U-1001"})
    assert told["satisfied"] is True
    _, told = await explained(asker, user=USER, credential_selection={"employee_identifier": "U-9"})
    assert told["satisfied"] is False
    status, told = await explained(asker, credential_selection={"employee": "U-9"})
    assert (status, told["code"]) == (400, "invalid_question")
    assert "employee_identifier" in told["detail"]


async def test_of_a_large_wallet_the_nearest_credentials_are_told(
    holder: NodeUnderTest, asker: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "MAX_TOLD", 3)
    for number in range(4):
        await held(asker, "Other", number)
    near = await held(asker, "NutsEmployeeCredential", 9)
    found = descriptors((await explained(asker))[1])["id_employeecredential"]
    assert (len(found["credentials"]), found["not_told"]) == (3, 3)
    assert (found["credentials"][0]["id"], found["credentials"][0]["field"]) == (near, "employee_identifier")


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"scope": "other"}, 502, "peer_refused"),
        ({"authorization_server": "https://nowhere.example/oauth2/x"}, 502, "peer_unreachable"),
        ({"credentials": [EMPLOYEE | {"issuer": "did:web:x"}]}, 400, "invalid_question"),
        ({"user": {**USER, "name": "  "}}, 400, "invalid_member"),
        ({"user": {**USER, "name": "\u202e"}}, 400, "invalid_member"),
        ({"scope": None}, 400, "invalid_member"),
        ({"more": 1}, 400, "invalid_member"),
    ],
)
async def test_a_question_without_an_answer_says_what_is_wrong(
    holder: NodeUnderTest, asker: NodeUnderTest, members: dict[str, Any], status: int, code: str
) -> None:
    got, body = await explained(asker, **members)
    assert (got, body["code"]) == (status, code)
