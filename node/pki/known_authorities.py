"""Which CAs matter to this node: those that its configuration, use cases or discovery services name.

The certificates of a stranger name the addresses of their revocation lists. Only chains under a CA that somebody here named are
looked into, so that nobody can make this node call addresses of their choice by making a root of their own. Nobody is believed
for being under one of these: that is said by the presentation definition of each use case.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from credentials.did.certificate_chain import FINGERPRINT_HASHES, CertificateChain

# Base64url of a SHA-1, SHA-256, SHA-384 or SHA-512, standing by itself; longest first.
_FINGERPRINT = re.compile(
    r"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]{86}|[A-Za-z0-9_-]{64}|[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{27})(?![A-Za-z0-9_-])"
)


class KnownAuthorities:
    """Fingerprints of CAs.

    Args:
        fingerprints: base64url, of any hash that a did:x509 may use.
        definitions: JSON, as text or read, in which fingerprints stand: presentation definitions, discovery services.
    """

    def __init__(self, fingerprints: Iterable[str], definitions: Iterable[str | Mapping[str, Any]] = ()) -> None:
        found = set(fingerprints)
        for definition in definitions:
            text = definition if isinstance(definition, str) else json.dumps(definition)
            if "did:x509:" in text:
                found.update(_FINGERPRINT.findall(text))
        self._fingerprints = frozenset(found)

    def vouch_for(self, chain: CertificateChain) -> bool:
        """Whether one of the CAs in a chain is known; of a chain that was not validated this says nothing."""
        return any(not self._fingerprints.isdisjoint(chain.fingerprints(name)) for name in FINGERPRINT_HASHES)
