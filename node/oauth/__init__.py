"""OAuth 2.0 between organisations: tokens in exchange for signed presentations, in both seats (WIRE §2.4-2.8).

The resource side::

    routes.py      the public and the internal endpoints
    boundary.py    errors as OAuth JSON
    metadata.py    what we publish about ourselves (RFC 8414)
    definitions.py scope -> presentation definitions, and what becomes of further scopes
    messages.py    token request and reply, as values
    exchange.py    one token request: collect, fetch, decide, record, keep
    grant.py       the decision itself: pure
    claimed.py     what the presentations of one request say together: who asks, for whom, how we know the user
    further_scopes.py  scopes beside the one that has definitions: passed on, or asked of a decision point
    grants.py      what was granted
    store.py       where grants are kept, under a hash of their token
    refusals.py    counts callers who proved nothing, and says how much of anybody is recorded or given
    given.py       what an operator sees and does about them: list, end
    resource.py    a request with a token -> whose it is
    introspect.py  the same for a vendor's own enforcement point (RFC 7662)
    dpop.py        proof of possession (RFC 9449): pure; nonces.py  what we let such a proof hold

The asking side::

    requester.py   asks another organisation for a token: one wish.py, one answer
    peer_servers.py  what other servers publish (peer_metadata.py); peer_token.py  what one gave us
    wallet_choice.py  which DID of ours shows which credentials
    presenting.py  the presentation that is sent, as JWT or JSON-LD
    posting.py     the request itself, again where that is safe; peer_nonces.py what servers want in proofs
    self_attested.py  what the vendor has us say; user.py  on whose behalf
    explaining.py  would our wallet do for a scope, and which field of which credential fails where not

One token request can be followed through five files: ``post_token`` in routes.py, ``TokenRequest`` in messages.py,
``TokenService.exchange`` in exchange.py, ``read_request`` and ``decide`` in grant.py, ``keep`` in store.py.

Rules kept here: a presentation works once, for 5 s, for us alone; a token bound to a key never passes without that key; every
required presentation definition is fulfilled; nothing a peer sent comes back in an error. What was taken from nuts-node and
where we are stricter: WIRE §2.5.5 and §4.8.
"""
