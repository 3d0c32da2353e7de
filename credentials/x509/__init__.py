"""X.509 beyond one certificate: paths through what was sent, and whether a certificate was taken back since.

::

    chain_building.py       from certificates in any order to one path up to a self-signed root
    distribution_points.py  where the issuer of a certificate publishes its revocation list
    revocation_list.py      a certificate revocation list, its signature checked
    deny_list.py            certificates that the community bars: a signed list of them
    distinguished_name.py   a name in the one form that deny lists are written in
    revocation.py           the decision: may this chain still be relied on

A chain of certificates itself is in `credentials.did.certificate_chain`. Nothing here fetches; ``node/pki`` does.
"""
