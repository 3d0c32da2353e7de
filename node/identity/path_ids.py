"""DIDs and what hangs on them (key ids, credential ids) as they come in a path, percent-decoded once.

A did:web with a port is written ``did:web:host%3A8443:…``. A client that encodes the whole id sends ``%253A`` and we get ``%3A``;
one that encodes only ``#`` sends ``%3A`` and we get ``:``; some send ``:`` right away (WIRE §2.1). All mean the same.
"""

import re

_BARE_PORT = re.compile(r"^(did:web:[^:%/#?]+):([1-9][0-9]{0,4})(?=[:#]|$)", re.ASCII)
_SMALL = re.compile(r"^(did:web:[^:%/#?]+)%3a(?=[1-9])", re.ASCII)


def id_in_path(text: str) -> str:
    """Return the id that ``text`` means, in the spelling in which we keep it."""
    return _SMALL.sub(r"\1%3A", _BARE_PORT.sub(r"\1%3A\2", text))
