"""Who we are and whom we believe to be who: the organisations we host, what they hold, and other people's DIDs.

::

    subjects.py         organisations hosted here: their DIDs, their keys, their DID documents
    methods.py          making a DID of each kind with its key
    key_changes.py      keys are rotated, retired, called compromised
    services.py         services in our documents
    wallet.py           credentials our organisations hold, in the order in which matching tries them
    credential_seal.py  credentials at rest, also those that we issued, are sealed
    resolver.py         DID -> public keys: our own database first, then the identifier itself, then the web
    published.py        documents that others publish: fetched once, kept as long as they allow
    single_flight.py    many callers, one piece of work
    known_subject.py    paths about organisations that are not hosted here are refused
    path_ids.py         DIDs and key ids as they stand in addresses
    errors.py           the error tree; boundary.py says it to callers
    routes.py           did.json for everybody; subjects and wallet for the vendor
    vdr_routes.py       services, rotation and deactivation for the vendor
    key_routes.py       keys for our own operator

Private keys never pass through here: the vault signs. What a wallet holds is *held*, not believed: credentials are verified
where somebody relies on them (``credentials/vc/verify.py``).
"""
