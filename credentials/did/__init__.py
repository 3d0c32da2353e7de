"""Decentralised identifiers: syntax, documents, and the methods did:web and did:x509."""
