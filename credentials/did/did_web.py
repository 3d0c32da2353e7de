"""did:web (W3C CCG did:web, WIRE §2.2): make one from our public URL, find where the document of one is fetched.

Fetching, and refusing names such as ``localhost`` or addresses inside our own network, is up to the caller.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from credentials.did.identifier import DID, did_method, parse_did
from credentials.errors import MalformedError

MAX_HOST_LENGTH: Final = 253
"""Longest host name (RFC 1035 §2.3.4)."""
MAX_PORT: Final = 65_535

_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_PORT = re.compile(r"%3[Aa]([1-9][0-9]{0,4})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_DECODED_IN_PATHS = frozenset("~!$&'()*+,;=:@")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def web_did(public_url: str, uuid: str) -> DID:
    """The did:web of a tenant: ``did:web:<host>[%3A<port>][:<path>…]:iam:<uuid>``.

    Args:
        public_url: our public base URL, ``https`` with a host name; may have a port and a path.
        uuid: names the tenant.

    Raises:
        MalformedError: the URL cannot be written as a did:web.
    """
    try:
        url = urlsplit(public_url)
        host, port = url.hostname, url.port
    except ValueError:
        raise MalformedError("public URL is not a URL") from None
    if url.scheme != "https" or not host or url.username is not None or url.query or url.fragment:
        raise MalformedError("public URL is not https://host[:port][/path]")
    authority = host if port is None else f"{host}%3A{port}"
    did = parse_did(":".join(["did:web", authority, *filter(None, url.path.split("/")), "iam", uuid]))
    document_url(did)
    return did


def document_url(did: DID) -> str:
    """Where the document of a did:web is: ``https://host[:port]/path…/did.json``.

    Raises:
        MalformedError: not a did:web, an IP address as host, or a path that a client would normalise away.
    """
    parse_did(did)
    if did_method(did) != "web":
        raise MalformedError("not a did:web")
    authority, *path = did.removeprefix("did:web:").split(":")
    # (1) host and port; WHATWG URL reads a host that ends in a number as an IPv4 address
    host, escaped, port = authority.partition("%")
    if _HOST.fullmatch(host) is None or len(host) > MAX_HOST_LENGTH:
        raise MalformedError("did:web: host is not a host name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]) is not None:
        raise MalformedError("did:web: host is an IP address")
    if escaped:
        found = _PORT.fullmatch(f"%{port}")
        if found is None or int(found[1]) > MAX_PORT:
            raise MalformedError("did:web: port is not a port number")
        host = f"{host}:{found[1]}"
    if not path:
        return f"https://{host}/.well-known/did.json"
    # (2) path: no empty, "." or ".." element, however it is written
    for element in path:
        if not element or _ESCAPE.sub(_unescape_dot, element) in (".", ".."):
            raise MalformedError("did:web: path has an empty or relative element")
    return f"https://{host}/{'/'.join(_ESCAPE.sub(_unescape_allowed, element) for element in path)}/did.json"


def _unescape_dot(escape: re.Match[str]) -> str:
    return "." if escape[1].upper() == "2E" else escape[0]


def _unescape_allowed(escape: re.Match[str]) -> str:
    """What needs no escape in a path is written plainly; ``%2F`` and ``%2E`` stay, or they would move the document."""
    character = chr(int(escape[1], 16))
    return character if character in _DECODED_IN_PATHS else escape[0]
