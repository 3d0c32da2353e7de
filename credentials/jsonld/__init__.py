"""JSON-LD as far as signatures of credentials need it: canonical form, and JsonWebSignature2020.

Nothing is fetched and nothing is guessed: contexts are the ones in ``embedded/``, and whatever a document says that its
signature would not cover makes the document refused. PyLD, which costs a tenth of a second and 10 MB to load, is
imported with the first document that needs it.

::

    contexts.py    the embedded contexts, pinned by digest
    shape.py       what a document may look like at all: size, depth, no keywords, no contexts but ours
    expansion.py   terms to IRIs, by PyLD; the only module that imports it
    statements.py  the expanded document as RDF statements, all of it or an error
    canonical.py   the statements in canonical form (URDNA2015), within a budget
    proof.py       JsonWebSignature2020: read, sign, verify

::

    signed = sign_document(document, key, created=now)
    proof = Proof.parse(signed)
    verify_proof(signed, proof, key.public)          # milliseconds of CPU: not on an event loop
"""
