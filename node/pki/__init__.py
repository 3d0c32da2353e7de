"""What this node knows of certificates from outside: who vouches, what was revoked, who is barred.

::

    revocation.py        the one way in: evidence for `credentials.x509.revocation`, gathered side by side
    revocation_lists.py  lists of CAs: fetched under limits, kept until the next is due, asked for again hourly
    deny_list.py         the deny list that the operator names
    known_authorities.py fingerprints of the CAs that the configuration, use cases and services name
    opening.py           from the configuration to the above
    checks.py            how this is, for the operator (``/status``)

Lists are signed, so they may come over plain http, as CAs publish them; they go through the one outbound client and its address
check like everything else. Whether a certificate is believed is decided in ``credentials``, with what was gathered here.
"""
