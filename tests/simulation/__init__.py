"""A network of many nodes on a simulated clock and wire: ``make simulate N=10000`` (docs/scale.md).

The registry code is the real one: hosts, mirrors and followers verify, decide and check logs as in a node, with the store in memory;
registrations are made by the real code too, and are as long as those with a certificate chain. Simulated are time, the wire, and DID
documents, which are at hand. Of the many followers a few are run in full, since all do the same; what all of them do to the host is
worked out from those.

::

    network.py    the clock, the wire with its counters, who takes how much CPU
    region.py     a service with host, mirrors, followers, and members who register
    stories.py    a day; a host away for a day; a host that tells two stories
    report.py     the numbers as Markdown and as a plot
"""
