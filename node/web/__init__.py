"""HTTP, in and out: listeners, bodies, errors, and the one client that opens connections.

Handlers are three lines: parse, call, render. What they raise becomes a reply at one boundary per dialect
(``boundary.py``): RFC 9457 problems on the internal API, OAuth JSON under ``/oauth2``, OperationOutcome under ``/fhir``.
"""
