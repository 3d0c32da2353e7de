"""Verification as this node does it: collect what a message needs, fetch it in parallel, decide.

::

    verifier.py      the one way in: a presentation or credential, verified or refused
    status_lists.py  status lists of issuers: kept under a minute, revalidated, with a stated grace
    lane.py          what strangers make us fetch, kept to a part of our connections
    off_loop.py      verification that takes milliseconds of CPU, beside the event loop
    signature_memory.py  signatures that matched before; chain_memory.py  certificates that were read before
    checks.py        how the lists are, for the operator (``/status``)
    standing.py      what was granted before: do the credentials it rests on still stand
    key_standing.py  and are the keys that signed it still published

The decision itself is pure (``credentials/vc/verify.py``); nothing here believes anything. What others' hosts are asked for goes
through the outbound client and its address check. Used by the token endpoint, by discovery, by the vendor's verifier, and by
introspection and enforcement, which look again, so that a revoked credential ends its tokens within 60 s.
"""
