"""The page that leaves: checked resources under our public address, its paging link sealed, what it names remembered."""

from collections.abc import Mapping
from http import HTTPStatus

from node.exchange.cursor import NONCE_BYTES, Cursor, seal_cursor
from node.exchange.facts import OwnServer
from node.exchange.forwarding import Fetched, Promised
from node.exchange.incoming import Incoming, Reply
from node.exchange.interaction import CURSOR_PARAMETER
from node.exchange.named import NamedFor, NamedResources
from node.exchange.response import CheckedPage
from node.exchange.searchset import write_resource, write_searchset
from node.ports import Entropy
from node.usecases.model import FhirVersion
from node.web.replies import RequestError


class Outgoing:
    """Writes pages for peers.

    Args:
        public_base: our FHIR address as peers know it, up to the version, without trailing slash.
        secret: seals paging links.
    """

    def __init__(
        self,
        *,
        public_base: str,
        servers: Mapping[FhirVersion, OwnServer],
        named: NamedResources,
        secret: bytes,
        entropy: Entropy,
    ) -> None:
        self._public_base = public_base
        self._servers = servers
        self._named = named
        self._secret = secret
        self._entropy = entropy

    def reply(self, promised: Promised, fetched: Fetched, incoming: Incoming) -> Reply:
        """Return what goes to the peer: the page, or that it is the one they have.

        Raises:
            RequestError: the server's own paging link is longer than we can carry.
        """
        etag = fetched.etag
        if promised.asked.written is not None:
            step, made = promised.asked.step, fetched.page.resources[0]
            headers = {"ETag": etag} if etag is not None else {}
            if fetched.status == HTTPStatus.CREATED:
                headers["Location"] = f"{self._public_base}/{promised.version}/{step.resource_type}/{made.id}"
            return Reply(status=fetched.status, body=self.write(promised, fetched.page), headers=headers)
        if etag is None:
            return Reply(body=self.write(promised, fetched.page))
        known = [tag.strip() for header in incoming.if_none_match for tag in header.split(",")]
        if any(tag in ("*", etag, etag.removeprefix("W/")) for tag in known):
            return Reply(status=304, body=b"", headers={"ETag": etag})
        return Reply(body=self.write(promised, fetched.page), headers={"ETag": etag})

    def write(self, promised: Promised, page: CheckedPage) -> bytes:
        """Return the body for the peer.

        Raises:
            RequestError: the server's own paging link is longer than we can carry.
        """
        public_base = f"{self._public_base}/{promised.version}"
        inner = self._servers[promised.version].bases.urls
        # JSON may write a slash with a backslash before it: an address in that form is an address too.
        inner = (*inner, *(url.replace("/", "\\/") for url in inner))
        if page.kind == "resource":
            return write_resource(page, public_base=public_base, inner_bases=inner)
        next_url = None
        if page.next_link is not None:
            sealed = self._seal(promised, page.next_link)
            next_url = f"{public_base}/{promised.asked.step.resource_type}?{CURSOR_PARAMETER}={sealed}"
        return write_searchset(page, public_base=public_base, inner_bases=inner, next_url=next_url)

    async def remember(self, promised: Promised, page: CheckedPage) -> None:
        """Note what the page that leaves names: under this grant, that may be read.

        Raises:
            RequestError: 503, it could not be kept.
        """
        if not page.bound and promised.asked.written is None:
            return
        asked, grant = promised.asked, promised.grant
        records = promised.about.records
        if asked.step.is_match:
            records = frozenset(resource.id for resource in page.resources if resource.mode == "match")
        named = NamedFor(patient_ids=records, expires_at=grant.expires_at)
        found = [
            (step.resource_type, resource_id)
            for step in asked.table.steps
            for resource_id in page.bound.get(step.read_binding or "", ())
        ]
        found += [
            (write.resource_type, resource_id)
            for write in asked.table.writes
            for resource_id in page.bound.get(write.binding or "", ())
        ]
        if asked.written is not None:
            found += [(asked.step.resource_type, resource.id) for resource in page.resources]
        if found:
            await self._named.remember(grant.grant_id, found, named)

    def _seal(self, promised: Promised, link: str) -> str:
        asked, grant = promised.asked, promised.grant
        cursor = Cursor(
            usecase=asked.usecase.id,
            table=asked.table.id,
            step=asked.step.id,
            patient_ids=tuple(sorted(promised.about.records)),
            link=link,
            expires_at=grant.expires_at,
        )
        try:
            return seal_cursor(
                cursor, grant=grant.grant_id, secret=self._secret, nonce=self._entropy.token(NONCE_BYTES)
            )
        except ValueError as error:
            raise RequestError(502, "own_server_link_too_long", "the answer is not available") from error
