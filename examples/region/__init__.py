"""A care region that does not exist: Streek Rijn en Gouwe, six organisations and four patients.

The map of this room:

- ``organisations`` who they are: names, numbers, FHIR versions, the services they take part in, and the intruder.
- ``patients``      the four citizens of the story, and where each of them is in care.
- ``data``          what each organisation's record system holds on them, built as FHIR R4 or STU3.
- ``ehr``           the record system itself: a small FHIR server that can be told to misbehave.
- ``certificates``  throw-away certificates: the UZI-like ones that prove who an organisation is, and those for TLS.

Names, numbers and stories are made up; the numbers lie in ranges that are never given out (BSNs under 9999, URA 9000).
"""
