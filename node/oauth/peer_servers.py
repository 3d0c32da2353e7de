"""Other organisations' authorization servers: where they are and what they ask (WIRE §2.4, §2.5.2).

Their documents are read, never believed, and kept as long as they allow (``node/identity/published.py``). Whatever is wrong with
them ends in one :class:`TokenRefusedError` that quotes nothing of theirs.
"""

import logging
from http import HTTPStatus
from urllib.parse import quote

from credentials.errors import CredentialError
from credentials.query.definition import PresentationDefinition
from node.identity.published import NotPublishedError, Published
from node.oauth.errors import RefusalCode, Step, TokenRefusedError
from node.oauth.messages import MAX_REPLY
from node.oauth.metadata import metadata_urls
from node.oauth.peer_metadata import ServerMetadata
from node.ports import PEER_TIMEOUT, Clock, HttpClient, PeerError

logger = logging.getLogger(__name__)

_JSON = ("application/json",)
_PEER_CODES: dict[str, RefusalCode] = {
    "timeout": "timeout",
    "unreachable": "unreachable",
    "refused_address": "unreachable",
    "tls": "unreachable",
    "too_large": "failed",
    "broken": "failed",
}


class PeerServers:
    """Reads what authorization servers publish.

    Args:
        peers: reaches other organisations.
        clock: for the age of what is in memory.
    """

    def __init__(self, peers: HttpClient, clock: Clock) -> None:
        self._metadata: Published[ServerMetadata] = Published(
            peers,
            clock,
            _parse_metadata,
            locate=_locate_metadata,
            media_types=_JSON,
            timeout=PEER_TIMEOUT,
            max_bytes=MAX_REPLY,
        )
        self._definitions: Published[PresentationDefinition] = Published(
            peers, clock, _parse_definition, media_types=_JSON, timeout=PEER_TIMEOUT, max_bytes=MAX_REPLY
        )

    async def server(self, issuer: str) -> ServerMetadata:
        """Return the metadata of ``issuer``: from where RFC 8414 says, else from the appended form (WIRE §0).

        Raises:
            TokenRefusedError: it has none.
        """
        if not _is_issuer(issuer):
            raise TokenRefusedError("refused", issuer, "metadata")
        try:
            return await self._metadata.get(f"0 {issuer}")
        except NotPublishedError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise _not_published(error, issuer, "metadata") from error
            first = error
        except (PeerError, CredentialError) as error:
            raise no_answer(error, issuer, "metadata") from error
        try:
            return await self._metadata.get(f"1 {issuer}")
        except NotPublishedError as error:
            told = error if first.status == HTTPStatus.NOT_FOUND else first
            raise _not_published(told, issuer, "metadata") from error
        except (PeerError, CredentialError) as error:
            raise no_answer(error, issuer, "metadata") from error

    async def definition(self, metadata: ServerMetadata, scope: str) -> PresentationDefinition:
        """Return what the server asks of who wants ``scope``.

        Raises:
            TokenRefusedError: it does not say.
        """
        endpoint = metadata.presentation_definition_endpoint
        if endpoint is None:
            raise TokenRefusedError("refused", metadata.issuer, "definition")
        url = f"{endpoint}{'&' if '?' in endpoint else '?'}scope={quote(scope, safe='')}"
        try:
            return await self._definitions.get(url)
        except NotPublishedError as error:
            raise _not_published(error, metadata.issuer, "definition") from error
        except (PeerError, CredentialError) as error:
            raise no_answer(error, metadata.issuer, "definition") from error


def _is_issuer(url: str) -> bool:
    """Tell whether ``url`` can be an issuer (RFC 8414 §2): https, a host, no query, fragment or user."""
    plain = len(url) <= 2_048 and url.isascii() and url.isprintable() and not set(url) & set(' ?#@\\"<>')  # noqa: PLR2004  # as MAX_CLIENT_ID
    return plain and url.startswith("https://") and bool(url.removeprefix("https://").partition("/")[0])


def _locate_metadata(name: str) -> str:
    form, _, issuer = name.partition(" ")
    return metadata_urls(issuer)[int(form)]


def _parse_metadata(name: str, body: bytes) -> ServerMetadata:
    return ServerMetadata.parse(name.partition(" ")[2], body)


def _parse_definition(_url: str, body: bytes) -> PresentationDefinition:
    return PresentationDefinition.parse(body)


def _not_published(error: NotPublishedError, issuer: str, step: Step) -> TokenRefusedError:
    refused = HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return TokenRefusedError("refused" if refused else "failed", issuer, step, status=error.status)


def no_answer(error: PeerError | CredentialError, issuer: str, step: Step) -> TokenRefusedError:
    """Say what kept a peer's answer from us."""
    code: RefusalCode = _PEER_CODES[error.code] if isinstance(error, PeerError) else "failed"
    logger.info("no answer from peer", extra={"server": issuer, "step": step, "code": code})
    return TokenRefusedError(code, issuer, step)
