"""nuts-node's internal API for credentials and signatures, as vendors know it: ``vcr/v2`` and ``crypto/v1`` (WIRE §3).

::

    issuer.py     POST issuer/vc, GET issuer/vc/search, DELETE issuer/vc/{id}; ours: POST issuer/vc/{id}/renew
    holder.py     POST holder/vp, holder/{subject}/vc and …/search; ours: GET holder/expiring
    verifier.py   POST verifier/vc, verifier/vp; verifier/trust and its lists
    trust.py      the list of trusted issuers, kept as nuts-node keeps it
    crypto.py     POST sign_jwt, sign_jws; encrypt_jwe and decrypt_jwe, which are refused
    signing.py    signs what a vendor asks with a key of one of our organisations, and records it
    presenting.py makes a presentation of given credentials
    removal.py    the record of a credential that was taken out of a wallet
    reading.py    dates and parameters as vendors write them
    bodies.py     what is posted
    opening.py    puts the parts together for the composition root
    keys.py       the services behind the routes, by name

Who calls may be limited to some of our organisations (``node/web/internal_auth.py``). Where the organisation is not in the path,
the handler finds it (the owner of a DID or of a key) and asks before anything happens.
"""
