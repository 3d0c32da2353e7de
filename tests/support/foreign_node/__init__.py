"""A foreign node: what a nuts-node says and does on the wire, in either dialect and either seat, and badly when asked.

It is written from what was recorded of nuts-node (WIRE §2), not from Hazel's code: what Hazel sends is read and verified here with
the standard library and plain ECDSA, so that the two can not be wrong in the same way. (One exception: JSON-LD is signed with Hazel's
canonicalisation, which has vectors of its own.)

- ``dialect``      release 6.2 and master, and where they differ (WIRE §0).
- ``jose``         compact JWS and DPoP proofs by hand.
- ``tenant``       an organisation there: its did:web, its keys, its document, its wallet.
- ``issuing``      credentials as JWT and JSON-LD; the status list they point to.
- ``presenting``   presentations and submissions in the shape of each dialect.
- ``asking``       the client seat: finds a server, reads what it asks, presents, posts, reads with the token; discovery.
- ``bends``        everything a client can do wrongly, by name.
- ``granting``     the server seat: metadata, definitions, tokens, introspection.
- ``hosting``      the host of a discovery service.
- ``misbehaving``  everything a server can do wrongly, by name.
- ``node``         all of it behind one web application; ``serving`` runs that over TLS on loopback.
"""
