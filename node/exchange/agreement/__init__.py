"""Standing agreements of our organisation with others about a use case: the legal basis ``agreement``.

Written down by our own operator, with the document that says so, from and until a day. Taking one away counts at once, for requests
that are under way too (the audit log's epoch)::

    agreement.py  the value, and what an operator sends
    book.py       in the database
    routes.py     ``/internal/agreements/v1/{subject}``
"""
