"""Which CAs matter here."""

from typing import Any

import pytest

from node.pki.known_authorities import KnownAuthorities
from tests.support.certificates import a_uzi_chain

CHAIN = a_uzi_chain().chain


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("index", [0, 1])
def test_a_ca_is_known_by_any_hash_wherever_it_stands(algorithm: str, index: int) -> None:
    fingerprint = CHAIN.fingerprints(algorithm)[index]
    pattern = f"^did:x509:0:{algorithm}:(?:{fingerprint}|{'A' * 43})::.*$"
    definition: dict[str, Any] = {"constraints": {"fields": [{"path": ["$.issuer"], "filter": {"pattern": pattern}}]}}
    assert KnownAuthorities([fingerprint]).vouch_for(CHAIN)
    assert KnownAuthorities([], [definition]).vouch_for(CHAIN)
    assert KnownAuthorities([], [str(definition)]).vouch_for(CHAIN)


def test_others_are_not() -> None:
    fingerprint = CHAIN.fingerprints("sha256")[-1]
    assert not KnownAuthorities([]).vouch_for(CHAIN)
    assert not KnownAuthorities(["A" * 43]).vouch_for(CHAIN)
    assert not KnownAuthorities([], [{"pattern": fingerprint}]).vouch_for(CHAIN)  # says nothing about certificates
    assert not KnownAuthorities([], [f"did:x509:0:sha256:{fingerprint}A"]).vouch_for(CHAIN)
    assert not KnownAuthorities([fingerprint]).vouch_for(a_uzi_chain(region="Other").chain)
