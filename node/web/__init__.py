"""HTTP, in and out: listeners, bodies, errors, and the one client that sends anything out.

Handlers are three lines: parse, call, render. What they raise becomes a reply at one boundary per dialect
(``boundary.py``): RFC 9457 problems on the internal API, OAuth JSON under ``/oauth2``, OperationOutcome under ``/fhir``.

::

    server.py         listeners, TLS files that are read again when they change
    connection.py     what is not even HTTP, and who sends it too slowly
    boundary.py       errors to replies, one renderer per dialect; request targets judged before routing
    replies.py        the one error type a handler raises, and what it becomes
    problem.py        RFC 9457 problem documents
    operation.py      names of nuts-node's operations, for the titles of its problems
    bodies.py         JSON, forms and models read strictly, with limits
    parameters.py     parameters in the address: known ones, once
    caller.py         from which address a request came
    limits.py         how much one caller may take
    internal_auth.py  API keys and what they may do
    client.py         the module that opens connections
    probe.py          the one other: names looked up and hands shaken, for ``hazel doctor``; nothing is sent
    guard.py          which addresses may be dialled
"""
