"""The JSON-LD contexts we know; there are no others, and none is ever fetched.

The files in ``embedded/`` are ours. They say what the published contexts say where credentials of this network use them
(WIRE §2.12), so that both give the same RDF, and leave out what nobody here signs. For schema.org that is: everything is
in its vocabulary, and two lists of terms whose values are links or dates (release 13.0). The RDF differs only for a
DiscoveryRegistrationCredential that names schema.org as well, where the published context keeps its own terms.

A file that changed would change what signatures mean, so each is pinned by its digest.
"""

import functools
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from credentials.errors import MalformedError
from credentials.fields import parse_json

JWS_2020_CONTEXT: Final = "https://w3c-ccg.github.io/lds-jws2020/contexts/lds-jws2020-v1.json"
"""Defines JsonWebSignature2020; every signed document names it."""
STATUS_LIST_2021_CONTEXT: Final = "https://w3id.org/vc/status-list/2021/v1"
"""Defines StatusList2021 and its entries."""
BITSTRING_STATUS_LIST_CONTEXT: Final = "https://www.w3.org/ns/credentials/status/v1"
"""Defines Bitstring Status List 1.0 for credentials of data model 1.1; nuts-node does not embed it."""

_FILES: Final[Mapping[str, tuple[str, str]]] = {
    "https://www.w3.org/2018/credentials/v1": (
        "credentials-v1.jsonld",
        "2ce534ccdc74f2ea353c93885c014f5817508783cba48cb173537fd3ffeb7500",
    ),
    JWS_2020_CONTEXT: (
        "jws-2020-v1.jsonld",
        "bdde898dbc6e332a465d9e3fdef7f3bf0f19dab019f4345b89df4066cd2f8d6a",
    ),
    "https://nuts.nl/credentials/v1": (
        "nuts-v1.jsonld",
        "1b25598516069f0e0582be711beefa6af23ba12985bbebe1b12f7c7690d2f79e",
    ),
    "https://nuts.nl/credentials/2024": (
        "nuts-2024.jsonld",
        "ee0bb2e2fa1a57b4efb9e187b75661daed0b39cf08b1e4d3baf45aa588e67b35",
    ),
    STATUS_LIST_2021_CONTEXT: (
        "status-list-2021-v1.jsonld",
        "57291e24218d8c3f5c1e7282e9e33afca67ccac2e581fdaffd2f3b9f3f9cda70",
    ),
    BITSTRING_STATUS_LIST_CONTEXT: (
        "bitstring-status-list-v1.jsonld",
        "aeabb86904fad6bb225291082ef2917fcefb22196c10cadfcddb640f96db034e",
    ),
    "https://schema.org": (
        "schema-org-v13.jsonld",
        "75281ac0c196a674a8d62581fba6dbea1fce03078fcad6f72add1a25acd5540b",
    ),
}

EMBEDDED: Final = frozenset(_FILES)
"""The URLs of the contexts we know."""


@functools.cache
def embedded(url: str) -> Mapping[str, Any]:
    """The embedded context at ``url``: one object for each, the same every time; not to be changed.

    Raises:
        MalformedError: we do not know this context.
        RuntimeError: the file is not the one this version was released with.
    """
    if url not in _FILES:
        raise MalformedError("a JSON-LD context is not one of the embedded ones")
    name, digest = _FILES[url]
    data = (resources.files("credentials.jsonld") / "embedded" / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise RuntimeError(f"the embedded context {name} was altered")
    context: Mapping[str, Any] = parse_json(data)
    return context
