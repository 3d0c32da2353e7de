"""The door through which everything is signed: never on the event loop when the key lives elsewhere.

``credentials/`` makes signed messages with plain function calls (``key.sign(bytes)``), which suits a key in memory: a signature
takes 30 µs, less than handing it to a thread. A key in a hardware security module answers after a round trip, or not at all. So whoever
signs on the event loop passes the making as a function::

    proof = await sign_with(key, lambda key: make_proof(key, method="GET", …))
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from credentials.keys import SoftwareKey
from credentials.ports import PrivateKey

Made = TypeVar("Made")


async def sign_with(key: PrivateKey, make: Callable[[PrivateKey], Made]) -> Made:
    """Return what ``make`` makes with ``key``: here for a key in memory, in a thread for one that lives elsewhere.

    Raises:
        VaultAwayError: the vault does not answer.
        Exception: whatever ``make`` raises.
    """
    if isinstance(key, SoftwareKey):
        return make(key)
    return await asyncio.to_thread(make, key)
