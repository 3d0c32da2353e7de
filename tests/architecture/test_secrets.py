"""A secret is never compared with a secret: it is hashed and looked up, or opened with a key that authenticates.

A comparison ends at the first byte that differs, and how long it took tells how many were right. What was hashed first tells nothing:
who can not choose the hash can not walk along it. So no ``==`` on anything that is called a secret may stand in the code, but for those
below, each with its reason.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

SECRETS = re.compile(
    r"(^|_)(tokens?|secrets?|passwords?|pins?|passphrase|mac|tag|digest|api_keys?|signature|sha256|nonce|hash)$"
)

ALLOWED = {
    ("credentials/jsonld/contexts.py", "hashlib.sha256(data).hexdigest() != digest"): "an embedded file, published",
    ("node/audit/chain.py", "digest != self.hash"): "the record of our own disk",
    (
        "node/exchange/named_store.py",
        "named_resources.c.digest == digest",
    ): "a look-up in the database, by keyed digest",
    ("node/issuing/issuer.py", "known.request_sha256 != digest"): "two requests of one vendor, known to it",
    ("node/keys/pkcs11_token.py", "pin == self._refused_pin"): "the operator's own file, which no caller writes",
    ("node/oauth/store.py", "access_tokens.c.token_sha256 == digest"): "a look-up in the database, by SHA-256",
    ("node/usecases/load.py", "found.digest != SHIPPED[usecase]"): "a published file",
    ("node/usecases/load.py", "found.digest != pin"): "a published file",
    ("node/web/internal_auth.py", "api_keys.c.key_sha256 == digest"): "a look-up in the database, by SHA-256",
    ("registry/transparency/following.py", "digest_of(compact) != listed[number].digest"): "a published list",
}


def comparisons(code: str) -> list[str]:
    """Comparisons for equality in which something is called a secret."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Compare) and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
            sides = (node.left, *node.comparators)
            names = [getattr(side, "attr", getattr(side, "id", "")) for side in sides]
            if any(SECRETS.search(name) for name in names):
                found.append(ast.unparse(node))
    return found


def test_no_secret_is_compared_byte_by_byte() -> None:
    found = {
        (str(file.relative_to(ROOT)), text)
        for package in ("credentials", "registry", "node")
        for file in (ROOT / package).rglob("*.py")
        for text in comparisons(file.read_text(encoding="utf-8"))
    }
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set()  # none is allowed that is not there any more


def test_a_comparison_of_secrets_would_be_seen() -> None:
    assert comparisons("if given.token == known:\n    pass") == ["given.token == known"]
    assert comparisons("ok = api_key != self._api_key") == ["api_key != self._api_key"]
    assert comparisons("a == b") == []
