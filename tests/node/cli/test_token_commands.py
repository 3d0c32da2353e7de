"""Tokens that we gave, at the terminal."""

from urllib.parse import parse_qsl

from tests.node.cli.desk import Desk

TOKENS = "/internal/oauth/v1/gouwe/tokens"
TOKEN = {
    "id": "0d6b", "scope": "HuisartsVVTInzage", "holder": "did:web:oever.example:iam:1", "ura": "00001111",
    "name": "De Oever", "service_provider": None, "client_id": "x", "token_type": "DPoP",
    "user": {"identifier": "U-1001", "name": "J. Jansen", "role": "01.015", "evidence": "self_attested"},
    "issued_at": "2026-11-22T12:00:00Z", "expires_at": "2026-11-22T12:15:00Z",
}  # fmt: skip


async def test_tokens_are_listed_with_who_got_them_and_how_the_user_is_known(node: Desk) -> None:
    node.says("GET", TOKENS, {"tokens": [TOKEN], "more": True})
    ran = await node.hazel("token", "list")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["UNTIL", "URA", "NAME", "USER", "KNOWN", "BY", "SCOPE", "ID"],
        ["2026-11-22T12:15:00Z", "00001111", "De", "Oever", "U-1001", "self_attested", "HuisartsVVTInzage", "0d6b"],
    ]
    assert "there are more" in ran.err
    assert (await node.hazel("token", "list", "--json")).json == {"tokens": [TOKEN], "more": True}
    await node.hazel("token", "list", "--party", "did:web:oever.example%3A8443:iam:1")
    assert dict(parse_qsl(node.asked[-1].query)) == {"party": "did:web:oever.example%3A8443:iam:1"}


async def test_tokens_are_ended_one_by_one_by_party_or_all(node: Desk) -> None:
    node.says("DELETE", f"{TOKENS}/0d6b", status=204)
    ran = await node.hazel("token", "end", "0d6b")
    assert (ran.code, "1 token ended" in ran.err) == (0, True)
    node.says("DELETE", TOKENS, {"ended": 3})
    ran = await node.hazel("token", "end", "--party", "did:web:oever.example:iam:1")
    assert (ran.code, "3 tokens ended" in ran.err) == (0, True)
    assert dict(parse_qsl(node.asked[-1].query)) == {"party": "did:web:oever.example:iam:1"}
    assert (await node.hazel("token", "end", "--everybody", "--json")).json == {"ended": 3}
    assert dict(parse_qsl(node.asked[-1].query)) == {"everybody": "true"}


async def test_which_tokens_end_has_to_be_said_once(node: Desk) -> None:
    for words in ((), ("0d6b", "--everybody"), ("--party", "did:web:x", "--everybody")):
        assert (await node.hazel("token", "end", *words)).code == 2
    assert node.asked == []
