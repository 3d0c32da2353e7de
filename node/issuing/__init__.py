"""What our organisations issue: credentials, the status lists they are revoked in, and their renewal (WIRE §2.11.5, §2.13).

::

    request.py       what is asked, checked before anything is spent
    writing.py       a checked request to a signed credential, JWT or JSON-LD
    issuer.py        issue, revoke, search, renew; strictly for the organisation that owns the DID
    store.py         rows of what was issued
    status_lists.py  indexes given out in order; lists signed, kept and served
    own_lists.py     our own lists without the way around through the network
    renewal.py       renew what we issued to ourselves; report what is about to expire
    type_files.py    the operator's schema files
    routes.py        GET /statuslist/{did}/{page}
    errors.py, boundary.py  what can be wrong, and its HTTP status

The vendor's side of it, ``vcr/v2``, is in ``node/vendor``.
"""
