"""`hazel map`: who can exchange what with us now, and what is the cheapest thing to do where that is not so.

::

    judging.py     one organisation, one use case, one direction -> ready, or what is missing: pure
    missing.py     the steps that may be missing, cheapest first: pure
    statements.py  what FHIR servers say of themselves, asked for side by side and remembered for a while
    drawing.py     everybody by every use case
    routes.py      the question and the answer as JSON
    opening.py     from the composition root to here; loads all of it only when somebody asks

It is put together from registrations, capability statements and our own wallet. No patient is named to find out, and nobody is asked for a
token: whether a peer gives one is what ``hazel doctor`` tries.
"""
