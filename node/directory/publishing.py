"""Publishing our own entries: in the small directory that others may follow here, and to a directory elsewhere (ITI-130).

First everything is held to its FHIR model and written down here; then what the directory elsewhere does not have yet is sent there, one
update after the other, each with the version that it changes. What could not be sent is sent with the next publish.
"""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from credentials.errors import MalformedError
from credentials.fields import parse_json
from node.directory.own import OwnEntries, Version
from node.directory.validation import check_entry
from node.ports import HttpClient, HttpRequest, HttpResponse, PeerError
from registry.mcsd.entries import OwnOrganisation, not_published_any_more, own_entries
from registry.mcsd.resource import resource_type

TIMEOUT: Final = 30.0
MAX_REPLY: Final = 1_048_576

Outcome = Literal["published", "unchanged", "sent", "already_there", "failed"]

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,120}"', re.ASCII)
_STALE: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})  # HAPI says 409, the rules 412

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of one entry.

    Attributes:
        here: in our own directory.
        elsewhere: at the directory that it is sent to; None when there is none.
        error: why it was not sent.
    """

    type: str
    id: str
    version: int
    here: Outcome
    elsewhere: Outcome | None = None
    error: str | None = None


class Publisher:
    """Publishes what a node says about its organisation."""

    def __init__(self, entries: OwnEntries, client: HttpClient, own: OwnOrganisation, *, send_to: str | None) -> None:
        self._entries = entries
        self._client = client
        self._own = own
        self._send_to = send_to

    async def publish(self) -> Sequence[Published]:
        """Publish what changed since last time, and withdraw what is not so any more.

        Raises:
            InvalidEntryError: an entry is not as FHIR has it; nothing was published.
            NoValidatorError: nothing here can tell.
        """
        wanted = list(own_entries(self._own))
        standing = [each.resource for each in await self._entries.current()]
        wanted += not_published_any_more(standing, wanted, self._own.ura)
        for content in wanted:
            kind = resource_type(content["resourceType"])
            if kind is not None:
                check_entry(kind, content)
        new = {version.id for version, is_new in [await self._entries.put(each) for each in wanted] if is_new}
        published = []
        for version in await self._entries.current():
            elsewhere, error = await self._send(version)
            published.append(
                Published(
                    type=version.type, id=version.id, version=version.number,
                    here="published" if version.id in new else "unchanged", elsewhere=elsewhere, error=error,
                )
            )  # fmt: skip
        return published

    async def _send(self, version: Version) -> tuple[Outcome | None, str | None]:
        if self._send_to is None:
            return None, None
        if version.sent_to == self._send_to:
            return "already_there", None
        url = f"{self._send_to}/{version.type}/{version.id}"
        try:
            answer = await self._put(url, version, version.sent_etag)
            if answer.status in _STALE or (version.sent_etag is None and answer.status == HTTPStatus.BAD_REQUEST):
                answer = await self._put(url, version, await self._etag(url))  # (1) read again, (2) apply again
        except PeerError as error:
            return "failed", str(error)
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            logger.warning("entry not taken by the directory", extra={"work": version.type, "status": answer.status})
            return "failed", f"the directory answered {answer.status}{_issue(answer)}"
        await self._entries.sent(version, self._send_to, _etag_of(answer))
        return "sent", None

    async def _put(self, url: str, version: Version, etag: str | None) -> HttpResponse:
        resource = {name: value for name, value in json.loads(version.text).items() if name != "meta"}
        condition = {"If-None-Match": "*"} if etag is None else {"If-Match": etag}
        headers = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json", **condition}
        body = json.dumps(resource, ensure_ascii=False).encode()
        return await self._client.send(
            HttpRequest(method="PUT", url=url, headers=headers, body=body, max_bytes=MAX_REPLY, timeout=TIMEOUT)
        )

    async def _etag(self, url: str) -> str | None:
        """The version that the directory has now."""
        headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
        answer = await self._client.send(
            HttpRequest(method="GET", url=url, headers=headers, max_bytes=MAX_REPLY, timeout=TIMEOUT)
        )
        return _etag_of(answer) if answer.status == HTTPStatus.OK else None


def _etag_of(answer: HttpResponse) -> str | None:
    etag = answer.headers.get("etag", "")
    return etag if _ETAG.fullmatch(etag) else None


def _issue(answer: HttpResponse) -> str:
    """The kind of the first issue, which is a code; what else it says is not repeated."""
    try:
        code = parse_json(answer.body)["issue"][0]["code"]
    except (MalformedError, LookupError, TypeError):
        return ""
    return f" ({code})" if isinstance(code, str) and re.fullmatch(r"[a-z-]{1,32}", code) else ""
