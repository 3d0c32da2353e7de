"""What we publish about ourselves as an authorization server and as a client (WIRE §2.4).

Only what is built is promised: the user flow, and with it ``authorization_endpoint``, is left out.
"""

from typing import Any
from urllib.parse import urlsplit

from credentials.keys import VERIFYING_ALGORITHMS
from node.oauth.messages import GRANT_TYPE, JWT_BEARER
from node.version import VERSION

WELL_KNOWN = "/.well-known/oauth-authorization-server"

DID_METHODS = ("web", "key", "jwk", "x509")
"""Holders and issuers are did:web, did:key or did:jwk; did:x509 vouches for credentials only."""

DPOP_ALGORITHMS = tuple(sorted(VERIFYING_ALGORITHMS))
"""JWS algorithms accepted on proofs, presentations and credentials."""

_ALGORITHMS = list(DPOP_ALGORITHMS)


def issuer_url(public_url: str, subject: str) -> str:
    """Return the issuer, client id and presentation audience of a subject."""
    return f"{public_url.rstrip('/')}/oauth2/{subject}"


def token_endpoint(issuer: str) -> str:
    """Return where tokens are asked for."""
    return f"{issuer}/token"


def metadata_urls(issuer: str) -> tuple[str, str]:
    """Return where another issuer's metadata is looked for: inserted (RFC 8414 §3.1), then appended (WIRE §0)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}", issuer.rstrip("/") + WELL_KNOWN


def server_metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata of one of our issuers."""
    return {
        "issuer": issuer,
        "token_endpoint": token_endpoint(issuer),
        "presentation_definition_endpoint": f"{issuer}/presentation_definition",
        "presentation_definition_uri_supported": True,
        "grant_types_supported": [GRANT_TYPE, JWT_BEARER],
        "response_types_supported": ["vp_token"],
        "response_modes_supported": ["direct_post"],
        "client_id_schemes_supported": ["entity_id"],
        "token_endpoint_auth_methods_supported": ["none"],
        "did_methods_supported": list(DID_METHODS),
        "dpop_signing_alg_values_supported": _ALGORITHMS,
        "vp_formats": _formats(),
        "vp_formats_supported": _formats(),
    }


def client_metadata() -> dict[str, Any]:
    """Return what we say about ourselves as a client."""
    return {
        "token_endpoint_auth_method": "none",
        "grant_types": [GRANT_TYPE, JWT_BEARER],
        "response_types": ["vp_token"],
        "software_id": "hazel",
        "software_version": VERSION,
        "vp_formats": _formats(),
        "client_id_scheme": "entity_id",
    }


def _formats() -> dict[str, Any]:
    """Return the formats we verify; an unsigned self-attested credential counts as ``ldp_vc`` (WIRE §2.15)."""
    return {
        "jwt_vp_json": {"alg_values_supported": _ALGORITHMS},
        "jwt_vc_json": {"alg_values_supported": _ALGORITHMS},
        "ldp_vp": {"proof_type_values_supported": ["JsonWebSignature2020"]},
        "ldp_vc": {"proof_type_values_supported": ["JsonWebSignature2020"]},
    }
