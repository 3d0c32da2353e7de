"""The care services directory (mCSD): our replica of what others publish, and what we publish ourselves.

All matching is done on the replica; no directory elsewhere is asked while somebody waits (LANDSCAPE §2.1.1).

=================  ==========================================================================
``replica``        what is held of directories elsewhere: newest versions, stamps, what is shown
``finding``        a search as SQL over the replica
``follower``       one round at one directory: pages, retries, limits
``rounds``         which directories there are, and when each is asked again
``own``            our own entries: every version, so that others can follow
``validation``     what we author is valid FHIR, or is not published
``publishing``     our entries from the configuration; sent to a directory elsewhere
``endpoints``      where to ask an organisation, in order, with reasons; ``endpoint_routes`` over HTTP
``boundary``       how a search that can not be answered is told: an OperationOutcome with a remedy
``routes``         FHIR search for our own systems; how the replica is
``own_routes``     our own entries for our own systems: publish, read, change
``public``         the small directory that others may follow
``keys``           where it is found, under which paths; ``opening`` loads the rest when it is needed, ``whole`` puts it together
=================  ==========================================================================

The rules are in ``registry/mcsd``. What is read here comes from strangers; what is shown is what they may speak about.
"""
