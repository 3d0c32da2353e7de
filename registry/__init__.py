"""Who is out there: discovery services as decisions, plus two thin services that do the I/O through ports.

A discovery service is a log of signed registrations, kept by a host and followed by everybody (RFC022 of the Nuts foundation,
WIRE §2.10). Entries prove themselves, so the host is only a convenience: `admission` decides, at the host and again at every
follower.

======================  ==========================================================================
``service``             the definition every participant has
``messages``            a page of the log, a registration: wire <-> dataclass
``entry``               what is held per participant: registered, or withdrawn
``admission``           may this message in? numbered checks
``log``, ``sync``       the log as served, and how to follow one
``registration``        the messages of our own organisations
``schedule``            when to renew, when to try again
``search``              conditions on credentials
``directory``           organisations and their endpoints, and why one was chosen
``localisation``        whom to ask about a patient, and why somebody is not asked
``ports``, ``memory``   what this package needs; the store in memory that SQL has to equal
``mcsd``                the care services directory: resources, search, how to follow one
``host``, ``client``    the services: serve our logs; follow, register, renew, withdraw
``transparency``        a log of all that a host did, which can't lie unseen
======================  ==========================================================================

Nothing here reads a clock, draws a random number or opens a connection.

What goes wrong is one tree of errors (``errors.py``).
"""
