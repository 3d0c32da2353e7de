"""The page that leaves a holder: the checked resources as they are, in a Bundle of our own making.

The Bundle around them is not passed on: its links hold the address of the inner server, and after a search on BSN the BSN
itself (HAPI's ``self`` link repeats the question). Resources keep their bytes, except that the inner base address, where one
mentions it, becomes the public one, so that references stay references on the other side. Of an OperationOutcome only the codes
leave: its words are the inner server's, and may hold anything.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from node.exchange.response import CheckedPage, CheckedResource
from node.exchange.shapes import OUTCOME

_CODE = re.compile(r"[a-z]{1,20}(?:-[a-z]{1,20}){0,3}\Z")


def write_searchset(page: CheckedPage, *, public_base: str, inner_bases: Sequence[str], next_url: str | None) -> bytes:
    """Return the Bundle for the peer, UTF-8 JSON.

    Args:
        page: every resource checked.
        public_base: our FHIR base as peers know it, without trailing slash.
        inner_bases: addresses of the server behind it, without trailing slash.
        next_url: absolute address of the next page, already sealed; ``None`` on the last.
    """
    head = ['{"resourceType":"Bundle","type":"searchset"']
    if page.total is not None:
        head.append(f'"total":{page.total}')
    if next_url is not None:
        head.append(f'"link":[{{"relation":"next","url":{json.dumps(next_url)}}}]')
    body = ",".join(head).encode()
    if not page.resources:
        return body + b"}"
    entries = b",".join(_entry(resource, public_base, inner_bases) for resource in page.resources)
    return body + b',"entry":[' + entries + b"]}"


def write_resource(page: CheckedPage, *, public_base: str, inner_bases: Sequence[str]) -> bytes:
    """Return the one resource of a checked read, with inner addresses made public."""
    return public_bytes(page.resources[0], public_base, inner_bases)


def public_bytes(resource: CheckedResource, public_base: str, inner_bases: Sequence[str]) -> bytes:
    """Return a resource's own bytes, inner base addresses replaced by the public one."""
    raw = bytes(resource.raw)
    for base in inner_bases:
        inner = base.encode()
        if inner in raw:
            raw = raw.replace(inner, public_base.encode())
    for base in inner_bases:
        host, pattern = _origin(base)
        if host in raw:  # an address beside the base is an address too
            raw = pattern.sub(_public_origin(public_base), raw)
    return raw


@lru_cache(maxsize=64)
def _origin(base: str) -> tuple[bytes, re.Pattern[bytes]]:
    """Return the host and port of a base, and what finds its origin, slashes escaped or not, where no longer name follows."""
    parts = urlsplit(base.replace("\\/", "/"))
    host = parts.netloc.encode()
    slash = rb"\\?/"
    pattern = (
        re.escape(parts.scheme.encode())
        + b":"
        + slash
        + slash
        + re.escape(host)
        + rb"(?![A-Za-z0-9\-]|[.:][A-Za-z0-9])"
    )
    return host, re.compile(pattern)


@lru_cache(maxsize=64)
def _public_origin(public_base: str) -> bytes:
    parts = urlsplit(public_base)
    return f"{parts.scheme}://{parts.netloc}".encode()


def empty_searchset() -> bytes:
    """Return the one answer for unknown, not in care and not to be shared: nothing found, byte for byte the same."""
    return b'{"resourceType":"Bundle","type":"searchset","total":0}'


def _entry(resource: CheckedResource, public_base: str, inner_bases: Sequence[str]) -> bytes:
    if resource.type == OUTCOME:
        return b'{"resource":' + _outcome(resource) + b',"search":{"mode":"outcome"}}'
    full_url = f'"fullUrl":{json.dumps(f"{public_base}/{resource.type}/{resource.id}")},'
    raw = public_bytes(resource, public_base, inner_bases)
    return b"{" + full_url.encode() + b'"resource":' + raw + b',"search":{"mode":"' + resource.mode.encode() + b'"}}'


def _outcome(resource: CheckedResource) -> bytes:
    """Return an outcome of our own making, with the severities and codes of the server's."""
    issues = [
        {"severity": _coded(issue.severity, "information"), "code": _coded(issue.code, "informational")}
        for issue in resource.shape.issue
    ]
    issues = issues or [{"severity": "information", "code": "informational"}]
    return json.dumps({"resourceType": OUTCOME, "issue": issues}, separators=(",", ":")).encode()


def _coded(text: str, otherwise: str) -> str:
    return text if _CODE.match(text) else otherwise
