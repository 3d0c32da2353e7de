"""Pages: those of directories elsewhere, read from bytes of a stranger, and those that we answer with.

One resource that can not be read never stops the others: it is passed over, counted and named by its position.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlencode, urljoin, urlsplit

from credentials.errors import MalformedError
from credentials.fields import parse_json
from registry.mcsd.errors import FollowError
from registry.mcsd.resource import Resource, ResourceType, format_instant, parse_instant

MAX_PAGE_BYTES: Final = 16_777_216
"""Largest page read from a directory, in bytes."""
MAX_PAGE_VALUES: Final = 1_000_000
"""Most JSON values in one; a resource has some sixty."""
MAX_PAGE_ENTRIES: Final = 5_000
MAX_LINK: Final = 4_096

_ETAG = re.compile(r'W/"([A-Za-z0-9.-]{1,64})"', re.ASCII)
_VERSIONED = re.compile(r"([A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/([A-Za-z0-9.-]{1,64}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A resource that a directory took out of existence; the rules have none, real servers do."""

    type: ResourceType
    id: str
    version: str
    last_updated: datetime | None


Change = Resource | Deletion
"""What became of one resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryPage:
    """A page of a search or history.

    Attributes:
        stamp: ``meta.lastUpdated`` as it was written: the directory's clock; None when it has none.
        changes: what could be read; of a history, which runs from the newest to the oldest, the other way round.
        refused: why entries were passed over.
        next: address of the next page; None on the last one.
    """

    stamp: str | None
    changes: tuple[Change, ...]
    refused: tuple[str, ...]
    next: str | None

    @classmethod
    def parse(cls, body: bytes, wanted: ResourceType, base: str, *, max_bytes: int = MAX_PAGE_BYTES) -> "DirectoryPage":
        """Read a Bundle.

        Args:
            body: as received.
            wanted: the type that was asked for; others on the page are passed over.
            base: address of the directory, which the next page has to be at.
            max_bytes: limit.

        Raises:
            MalformedError: it is no JSON.
            FollowError: it is no Bundle of that kind, or leads elsewhere.
        """
        # (1) a Bundle of a kind that we asked for
        bundle = parse_json(body, max_bytes=max_bytes, max_values=MAX_PAGE_VALUES)
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
            raise FollowError("the answer is not a Bundle")
        if bundle.get("type") not in {"searchset", "history"}:
            raise FollowError("the answer is neither a searchset nor a history")
        # (2) of a size that we take
        entries = bundle.get("entry", [])
        if not isinstance(entries, list) or len(entries) > MAX_PAGE_ENTRIES:
            raise FollowError(f"the page has more than {MAX_PAGE_ENTRIES} entries, or none that can be read")
        # (3) each entry by itself
        changes: list[Change] = []
        refused: list[str] = []
        for number, entry in enumerate(entries):
            try:
                change = _change(entry, wanted)
            except MalformedError as error:
                refused.append(f"entry {number}: {error}")
            else:
                changes += [] if change is None else [change]
        if bundle["type"] == "history":
            changes.reverse()
        return cls(stamp=_stamp(bundle), changes=tuple(changes), refused=tuple(refused), next=_next(bundle, base))


def _change(entry: object, wanted: ResourceType) -> Change | None:
    if not isinstance(entry, dict):
        raise MalformedError("not an object")
    request = _object(entry, "request")
    search = _object(entry, "search")
    if search.get("mode") in {"outcome", "include"}:
        return None
    if request.get("method") == "DELETE":
        return _deletion(entry, request, wanted)
    resource = Resource.parse(entry.get("resource"))
    if resource.type != wanted:
        raise MalformedError(f"another type than {wanted}")
    return resource


def _deletion(entry: Mapping[str, Any], request: Mapping[str, Any], wanted: ResourceType) -> Deletion:
    """Who was deleted stands in an address, which version in it or in the ETag, when in the response."""
    response = _object(entry, "response")
    addresses = (request.get("url"), entry.get("fullUrl"))
    matches = [_VERSIONED.fullmatch("/".join(_path_end(each))) for each in addresses if isinstance(each, str)]
    found = next((match for match in matches if match is not None and match[1] == wanted), None)
    if found is None:
        raise MalformedError(f"a deletion that names no {wanted}")
    etag = response.get("etag")
    version = _ETAG.fullmatch(etag) if isinstance(etag, str) else None
    moment = response.get("lastModified")
    return Deletion(
        type=wanted,
        id=found[2],
        version=found[3] or (version[1] if version is not None else ""),
        last_updated=None if moment is None else parse_instant(moment),
    )


def _path_end(address: str) -> Sequence[str]:
    parts = address.rstrip("/").split("/")
    return parts[-4:] if len(parts) > 3 and parts[-2] == "_history" else parts[-2:]  # noqa: PLR2004  # type, id, _history, version


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    member = value.get(name)
    return member if isinstance(member, dict) else {}


def _stamp(bundle: Mapping[str, Any]) -> str | None:
    text = _object(bundle, "meta").get("lastUpdated")
    if text is None:
        return None
    try:
        parse_instant(text)
    except MalformedError:
        raise FollowError("the Bundle's lastUpdated is not an instant") from None
    return str(text)


def _next(bundle: Mapping[str, Any], base: str) -> str | None:
    """The address of the next page, which has to be at the same place: a directory does not send us elsewhere."""
    links = bundle.get("link", [])
    if not isinstance(links, list):
        raise FollowError("the links of the page can not be read")
    found = [each.get("url") for each in links if isinstance(each, dict) and each.get("relation") == "next"]
    if not found:
        return None
    url = found[0]
    if len(found) > 1 or not isinstance(url, str) or len(url) > MAX_LINK or not (url.isascii() and url.isprintable()):
        raise FollowError("the link to the next page can not be read")
    try:
        url = urljoin(f"{base}/", url)
        there, here = urlsplit(url), urlsplit(base)
        same = (there.scheme, there.netloc.lower()) == (here.scheme, here.netloc.lower())
    except ValueError:
        raise FollowError("the link to the next page can not be read") from None
    if not same or not f"{there.path}/".startswith(f"{here.path}/") or "/.." in there.path or there.fragment:
        raise FollowError("the link to the next page leads out of the directory")
    return url


# -- what we answer with


def searchset(
    matches: Iterable[tuple[str, str]],
    included: Iterable[tuple[str, str]],
    *,
    self_url: str,
    next_url: str | None,
    total: int | None,
    now: datetime,
) -> bytes:
    """A page of a search.

    Args:
        matches: address and JSON of each resource.
        included: likewise.
        self_url: what was asked, as it was understood.
        next_url: of the next page, when there is one.
        total: of all matches, where it is known.
        now: our clock.
    """
    entries = [_entry(address, text, "match") for address, text in matches]
    entries += [_entry(address, text, "include") for address, text in included]
    links = [{"relation": "self", "url": self_url}]
    if next_url is not None:
        links.append({"relation": "next", "url": next_url})
    head: dict[str, Any] = {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": format_instant(now)},
        "type": "searchset",
        **({} if total is None else {"total": total}),
        "link": links,
    }
    return with_entries(head, entries)


def with_entries(head: Mapping[str, Any], entries: Sequence[str]) -> bytes:
    """A Bundle with entries that are JSON already; FHIR has no empty arrays."""
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    return (f'{text[:-1]},"entry":[{",".join(entries)}]}}' if entries else text).encode()


def page_url(base: str, kind: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The address of a search."""
    return f"{base}/{kind}?{urlencode(pairs)}" if pairs else f"{base}/{kind}"


Mode = Literal["match", "include"]


def _entry(address: str, text: str, mode: Mode) -> str:
    return f'{{"fullUrl":{json.dumps(address)},"resource":{text},"search":{{"mode":"{mode}"}}}}'
