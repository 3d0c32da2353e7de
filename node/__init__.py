"""The organisation's daemon: where the pure packages meet time, chance, disks and the network.

The rooms, each importing only what stands below it (import-linter keeps this true)::

    cli           the command ``hazel``
    app, runtime  composition root; start, ready, drain, stop
    parts         what a node is made of, paragraph by paragraph
    exchange      the two ways through the house: ask others (outbound), answer others (inbound)
    oauth         token endpoint and token requester, DPoP, introspection
    registries    discovery services: hosted, followed, joined
    directory     the care services directory: a replica of what others publish
    verification  what others sign: fetch what it takes, verify, look again
    identity      the organisations we host: DIDs, wallet, resolver of other people's DIDs
    consent       what citizens allow or refuse (FHIR Consent, sealed)
    audit         the hash-chained record and the one durable write
    usecases      use cases as files: queries, allow-lists, presentation definitions
    storage       database, schema, migrations
    keys          the vault that holds private keys and secrets
    web           two listeners, bodies, errors, the one outbound client
    config        ``hazel.yaml`` as a frozen value
    ports, world  time, chance, network and vault as the rest of the node sees them, and the real ones
    map           who can exchange what with us (``hazel map``)
    doctor        the whole way to another organisation, step by step (``hazel doctor``)
    founding      making a node (``hazel init``)
    health        how the node is
    logs          the operator's log
    version       what we call ourselves
"""
