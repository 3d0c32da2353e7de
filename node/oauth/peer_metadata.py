"""What another authorization server says about itself (RFC 8414; WIRE §2.4), as far as we need it. Read, never believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import urlsplit

from credentials.errors import MalformedError
from credentials.fields import Fields
from node.oauth.messages import MAX_CLIENT_ID, MAX_REPLY

_METHODS: Final = ("alg_values_supported", "alg", "proof_type_values_supported", "proof_type")
"""Members of a format that say how it may be signed: the spellings of OpenID4VP and of DIF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMetadata:
    """What a server says, in the words of its document.

    Attributes:
        presentation_definition_endpoint: ``None`` when it publishes no definitions: both sides know them then.
        did_methods: empty when it does not say.
        grant_types: likewise.
        vp_formats: names of presentation and credential formats, in the short spelling (``jwt_vp``), with the algorithms or kinds of
            proof that it takes; none of these for a format where it does not say.
    """

    issuer: str
    token_endpoint: str
    presentation_definition_endpoint: str | None
    did_methods: tuple[str, ...]
    grant_types: tuple[str, ...]
    vp_formats: Mapping[str, frozenset[str]]

    @classmethod
    def parse(cls, issuer: str, body: bytes) -> Self:
        """Read the metadata of ``issuer``.

        Raises:
            MalformedError: not metadata, or of another issuer (RFC 8414 §3.3).
        """
        fields = Fields.from_json(body, max_bytes=MAX_REPLY, what="metadata")
        if fields.text("issuer") != issuer:
            raise MalformedError("metadata: issuer is another")
        formats = fields.optional_child("vp_formats_supported") or fields.optional_child("vp_formats")
        has_definitions = fields.raw("presentation_definition_endpoint") is not None
        return cls(
            issuer=issuer,
            token_endpoint=_endpoint(fields, "token_endpoint"),
            presentation_definition_endpoint=(
                _endpoint(fields, "presentation_definition_endpoint") if has_definitions else None
            ),
            did_methods=fields.optional_texts("did_methods_supported"),
            grant_types=fields.optional_texts("grant_types_supported"),
            vp_formats=MappingProxyType({} if formats is None else _formats(formats)),
        )


def short_format(name: str) -> str:
    """Return the DIF name of a format: ``jwt_vp_json`` is ``jwt_vp`` (WIRE §2.5.4)."""
    return name.removesuffix("_json")


def _formats(formats: Fields) -> dict[str, frozenset[str]]:
    """Read names, and methods where they are written as they should be; what else a server writes there is its own business."""
    read: dict[str, frozenset[str]] = {}
    for name in formats.names():
        said = formats.raw(name)
        lists = [said.get(each) for each in _METHODS] if isinstance(said, Mapping) else []
        methods = (text for each in lists if isinstance(each, list) for text in each if isinstance(text, str))
        read[short_format(name)] = frozenset(methods)
    return read


def _endpoint(fields: Fields, name: str) -> str:
    url = fields.text(name)
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and not parts.username and not parts.fragment
        _ = parts.port
    except ValueError:
        usable = False
    if not usable or len(url) > MAX_CLIENT_ID or not url.isascii() or not url.isprintable() or " " in url:
        raise MalformedError(f"metadata: {name} is not an https URL")
    return url
