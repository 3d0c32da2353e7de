"""What the world may read: metadata, client metadata, presentation definitions."""

import json
import re
from pathlib import Path

import pytest

from node.oauth.errors import OAuthCode
from node.oauth.metadata import metadata_urls
from node.oauth.peer_metadata import ServerMetadata
from tests.node.oauth.setting import HOLDER, SCOPE, NodeUnderTest, organization_definition

WELL_KNOWN = "/.well-known/oauth-authorization-server/oauth2"


async def get(node: NodeUnderTest, path: str) -> tuple[int, dict[str, object], str]:
    async with node.public.get(path) as answer:
        assert answer.content_type == "application/json"
        return answer.status, json.loads(await answer.text()), answer.headers["Cache-Control"]


async def test_metadata_says_what_a_nuts_node_needs(holder: NodeUnderTest) -> None:
    status, body, cache = await get(holder, f"{WELL_KNOWN}/wending")
    assert (status, cache) == (200, "max-age=300")
    assert body["issuer"] == HOLDER
    assert body["token_endpoint"] == f"{HOLDER}/token"
    assert body["grant_types_supported"] == ["vp_token-bearer", "urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert "authorization_endpoint" not in body
    assert "web" in body["did_methods_supported"]  # type: ignore[operator]  # a list in JSON
    read = ServerMetadata.parse(HOLDER, json.dumps(body).encode())
    assert {"jwt_vp", "jwt_vc", "ldp_vp", "ldp_vc"} == set(read.vp_formats)


async def test_client_metadata_is_served(holder: NodeUnderTest) -> None:
    status, body, cache = await get(holder, "/oauth2/wending/oauth-client")
    assert (status, cache) == (200, "max-age=300")
    assert body["token_endpoint_auth_method"] == "none"


async def test_the_definition_of_a_scope_is_served_as_it_is(holder: NodeUnderTest) -> None:
    for query in (f"scope={SCOPE}", f"scope={SCOPE}&wallet_owner_type=organization"):
        status, body, cache = await get(holder, f"/oauth2/wending/presentation_definition?{query}")
        assert (status, body, cache) == (200, organization_definition(), "max-age=300")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{WELL_KNOWN}/zq7", 404, "invalid_request"),
        ("/oauth2/zq7/oauth-client", 400, "invalid_request"),
        (f"/oauth2/zq7/presentation_definition?scope={SCOPE}", 400, "invalid_request"),
        ("/oauth2/wending/presentation_definition", 400, "invalid_scope"),
        ("/oauth2/wending/presentation_definition?scope=zq7", 400, "invalid_scope"),
        (f"/oauth2/wending/presentation_definition?scope={SCOPE}&scope=zq7", 400, "invalid_request"),
        (f"/oauth2/wending/presentation_definition?scope={SCOPE}&wallet_owner_type=zq7", 400, "invalid_request"),
        (f"/oauth2/wending/presentation_definition?scope={SCOPE}&wallet_owner_type=user", 400, "invalid_request"),
        ("/oauth2/wending/zq7", 404, "invalid_request"),
        ("/oauth2/%00/token", 400, "invalid_request"),
        ("/oauth2/..%2fzq7/oauth-client", 400, "invalid_request"),
    ],
)
async def test_errors_are_json_are_not_cached_and_reflect_nothing(
    holder: NodeUnderTest, path: str, status: int, code: str
) -> None:
    got, body, cache = await get(holder, path)
    assert (got, body["error"], cache) == (status, code, "no-store")
    assert "zq7" not in json.dumps(body)


def test_metadata_of_an_issuer_with_a_path_is_looked_for_where_rfc_8414_says() -> None:
    assert metadata_urls("https://host.example:8443/base/oauth2/zorg") == (
        "https://host.example:8443/.well-known/oauth-authorization-server/base/oauth2/zorg",
        "https://host.example:8443/base/oauth2/zorg/.well-known/oauth-authorization-server",
    )


def test_every_code_of_the_token_endpoint_is_explained_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## What the token endpoint says no with")
    first_cells = re.findall(r"^\| (`.+?) \|", section.partition("\n## ")[0], re.MULTILINE)
    explained = set(re.findall(r"`([a-z_]+)`", " ".join(first_cells)))
    assert explained - {"error"} == {str(code) for code in OAuthCode}
