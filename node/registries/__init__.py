"""Discovery services as the node runs them: definition files, background work, routes.

What is decided about registrations and logs is in ``registry``; here it meets files, the network and time.

::

    definitions.py    the definition files
    definition_files.py   the same while the node runs: loaded again when they change
    hosted.py         which services are hosted here
    taking_over.py    becoming the host of a service whose host is lost
    log_routes.py     the Merkle log over HTTP, and what the operator sees of it
    participation.py  registering, following, and the directory in memory
    lapsed.py         whose credential was taken back since
    renewal.py        registering anew after a compromised key, withdrawing who leaves
    adapters.py       the registry's ports in terms of this node
    routes.py         lists for everybody, our own part for the vendor, the directory
"""
