"""What a FHIR reference points at, seen from one base address.

Three kinds: ``local`` (``Patient/1``, or absolute below one of our bases, also with ``/_history/2``), ``contained`` (``#x``)
and ``foreign`` (everything else: another server, a ``urn:``, text that is no reference). Only a local one can be *our*
patient: the same id on another server is another patient.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from node.usecases.identifiers import is_fhir_id, is_resource_type

MAX_REFERENCE = 1024

_RELATIVE = re.compile(r"([A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[A-Za-z0-9.\-]{1,64})?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference, read.

    Attributes:
        type: resource type, empty unless local.
        id: logical id, or for a contained resource its id without ``#``.
    """

    kind: Literal["local", "contained", "foreign"]
    type: str = ""
    id: str = ""


FOREIGN = Reference(kind="foreign")


@dataclass(frozen=True, slots=True)
class Bases:
    """The addresses under which one FHIR server is known, without trailing slash."""

    urls: tuple[str, ...]

    @classmethod
    def of(cls, urls: Iterable[str]) -> "Bases":
        """Return the bases for ``urls``.

        Raises:
            ValueError: a URL is not an absolute http(s) address.
        """
        cleaned = tuple(url.rstrip("/") for url in urls)
        for url in cleaned:
            split = urlsplit(url)
            if split.scheme not in ("http", "https") or not split.netloc or split.query or split.fragment:
                raise ValueError("a FHIR base is an absolute http(s) address")
        return cls(cleaned)

    def relative(self, url: str) -> str | None:
        """Return what stands behind the base in ``url`` (without slash), ``None`` when it is not below a base."""
        for base in self.urls:
            if url.startswith(base):
                rest = url[len(base) :]
                if rest.startswith("/"):
                    return rest[1:]
                if not rest or rest.startswith("?"):
                    return rest
        return None


def read_reference(text: str, bases: Bases) -> Reference:
    """Return what ``text`` points at. Total: text that is no reference is foreign."""
    if len(text) > MAX_REFERENCE:
        return FOREIGN
    if text.startswith("#"):
        return Reference(kind="contained", id=text[1:])
    relative: str | None = text
    if "://" in text:
        relative = bases.relative(text)
    found = _RELATIVE.match(relative) if relative else None
    if found is None or not is_resource_type(found[1]) or not is_fhir_id(found[2]):
        return FOREIGN
    return Reference(kind="local", type=found[1], id=found[2])


def page_link(url: str, bases: Bases) -> str | None:
    """Return a paging link relative to the base, ``None`` when it leads elsewhere.

    Besides another server that is: climbing out of the path, a fragment, and characters that no URL holds.
    """
    relative = bases.relative(url) if "://" in url else url.removeprefix("./")
    if relative is None or len(url) > MAX_REFERENCE * 4 or not url.isascii() or not url.isprintable() or " " in url:
        return None
    path, _, query = relative.partition("?")
    if "#" in relative or "\\" in relative or relative.startswith("/") or ":" in path or "%" in path:
        return None
    if any(part in ("", ".", "..") for part in path.split("/")) and path:
        return None
    return relative if query else None
