"""Status lists: one bit per credential, published by its issuer (StatusList2021, Bitstring Status List 1.0; WIRE §2.13).

::

    entry.py    what a credential says about where its bit is (``credentialStatus``)
    bits.py     bit string <-> text: gzip in base64url, bounded
    lists.py    a status list, as received and as verified
    verify.py   the only maker of a verified list
    check.py    the decision: does this credential still stand
    build.py    make entries and lists; the issuer signs them

A verifier's session; fetching is not in this package::

    urls = [entry.url for entry in entries_of(credential)]
    list_ = verify_status_list(StatusList.parse(body), url=url, evidence=evidence, now=now)
    check_status(credential, {url: list_}, now)

Rules kept here, where we are stricter than nuts-node: a list counts only when the issuer of the credential signed it, a list that
could not be had refuses the credential once the grace is over, and so does a kind of status that we can not look up.
"""
