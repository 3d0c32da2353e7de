"""Discovery services as the node runs them: definition files, background work, routes.

What is decided about registrations and logs is in ``registry``; here it meets files, the network and time.

::

    definitions.py    the definition files
    participation.py  registering, following, and the directory in memory
    lapsed.py         whose credential was taken back since
    renewal.py        registering anew after a compromised key, withdrawing who leaves
    adapters.py       the registry's ports in terms of this node
    routes.py         lists for everybody, our own part for the vendor, the directory
"""
