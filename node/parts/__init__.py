"""What a node is made of, paragraph by paragraph: each opens one room and says what others may use of it.

In the order in which :mod:`node.app` opens them::

    world.py     time, chance and the two HTTP clients
    kept.py      what survives a restart: vault, database, audit log
    trust.py     who we are, and whom we believe
    members.py   who is out there: discovery services
    tokens.py    tokens, given and got
    records.py   what citizens allow, and what was recorded
    exchange.py  the two ways through the house
    doors.py     the two listeners: routes, and errors as each of them tells them

``errors.py`` holds the one error of them all. A part is a frozen value with ``install``, which gives its services to an
application whose routes ask for them. Nothing here decides anything.
"""
