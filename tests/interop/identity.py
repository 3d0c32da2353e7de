"""Steps about who is who: DID documents and keys."""

from collections.abc import Mapping
from typing import Any

from tests.interop.seat import Seat
from tests.interop.step import Step, expect, require

_CHAPTER = "Identity"


async def resolves(acting: Seat, other: Seat) -> str:
    """The other's own view of its document and ours have the same keys."""
    seen, said = await acting.vendor.resolve(other.did), await other.vendor.resolve(other.did)
    expect("the id of the document", seen["id"], other.did)
    expect("its keys", _keys(seen), _keys(said))
    expect("the assertion method", seen["assertionMethod"], said["assertionMethod"])
    return f"{len(_keys(seen))} key, {next(iter(_keys(seen).values()))['crv']}"


async def knows_no_stranger(acting: Seat, other: Seat) -> str:
    """A DID of the other's host that does not exist is an error, not an empty document."""
    stranger = f"{other.did[:-12]}000000000000"
    reply = await acting.vendor.send("GET", f"/vdr/v2/did/{stranger}")
    require(f"a DID that does not exist is refused (it was answered with {reply.status})", holds=reply.status >= 400)
    return str(reply.status)


def _keys(document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return {
        str(method["id"]): {name: value for name, value in method["publicKeyJwk"].items() if name in "crv kty x y"}
        for method in document["verificationMethod"]
    }


STEPS = (
    Step(id="did-resolve", chapter=_CHAPTER, title="resolves the other's did:web to its keys", run=resolves),
    Step(
        id="did-unknown", chapter=_CHAPTER, title="refuses a did:web of the other's host that does not exist",
        run=knows_no_stranger,
    ),
)  # fmt: skip
