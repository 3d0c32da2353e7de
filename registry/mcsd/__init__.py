"""The care services directory (IHE mCSD): who there is, where they are, what they offer, and where to reach it.

Directories elsewhere publish it as FHIR R4; every node keeps a replica and asks that (LANDSCAPE §2.1). Here stand the decisions:

==================  ==========================================================================
``resource``        the five types, one resource of them: read from a stranger, total
``references``      references between resources, and the names that they have in the replica
``parameters``      the search parameters there are, and where in a resource their values stand
``values``          what a resource is found by
``query``           a search as asked: addresses in, conditions out, or what is wrong with it
``bundle``          pages of a directory elsewhere; pages that we answer with
``changes``         which version of a resource counts
``following``       how to follow a directory: initial load, catch-up, what is new; and when to try again
``entries``         our own entries, from what a node knows about its organisation
``signature``       what organisations sign of what is said about them: make and verify
``selecting``       which Endpoint of an organisation to use, and why not the others
``ownership``       what a directory may speak about, when there are many (Nuts)
==================  ==========================================================================

What goes wrong stands in ``errors``. Nothing here reads a clock, draws a random number or opens a connection.
"""
