"""Verifiable credentials and presentations: read, verify, issue, present. See `credentials` for the map.

::

    credential.py       a credential, as received and as verified
    presentation.py     a presentation, likewise
    verify.py           the only maker of what is verified; numbered checks
    evidence.py         what it takes to verify, and what was found
    signature.py        whose key signed
    type_rules.py       what the types demand
    x509_credential.py  what a certificate may say about its holder
    issue.py            sign a credential, or write a self-attested one
    present.py          sign a presentation
"""
