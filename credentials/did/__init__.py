"""Decentralised identifiers: syntax, documents, and the methods did:web and did:x509.

::

    identifier.py         syntax of DIDs and key ids
    document.py           DID documents: read, and made for our own
    did_web.py            did:web: where the document is, and our own identifiers
    did_x509.py           did:x509: what a certificate chain vouches for
    certificate_chain.py  certificates up to their root, and when they hold
    der.py                where the parts of a certificate lie
"""
