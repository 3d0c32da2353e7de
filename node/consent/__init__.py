"""What citizens allow or refuse: local FHIR R4 Consents of the organisations hosted here (LANDSCAPE §2.4, "DHTV").

Map of the room::

    consent    the subset of FHIR R4 Consent that we understand, parsed totally; anything that narrows it otherwise is refused
    decide     pure: which consent decides; who may see what; does a change take something away
    store      sealed versions in the node's database, found by pseudonym
    book       what the request path reads: in memory, never older than the epoch
    service    create, read, update, search, who-may; every change is audited
    routes     API.md §4 over HTTP

Rules it keeps: the citizen number is only inside the sealed resource; a change that takes something away raises the audit log's
epoch in its own transaction, so that no promise after it rests on what was there before.
"""
