"""Decentralised identifiers: syntax, documents, and the methods did:web, did:key, did:jwk and did:x509.

::

    identifier.py         syntax of DIDs and key ids
    document.py           DID documents: read, and made for our own
    service.py            services in a document, and their ids
    did_web.py            did:web: where the document is, and our own identifiers
    did_key.py            did:key: the identifier is the key
    did_jwk.py            did:jwk: the identifier is the key, as JSON
    base58.py             bytes as text, for did:key and ids of services
    did_x509.py           did:x509: what a certificate chain vouches for
    certificate_chain.py  certificates up to their root, and when they hold
    der.py                where the parts of a certificate lie
"""
