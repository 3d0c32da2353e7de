"""The record system of one organisation: a small FHIR server over SQLite that behaves like the real ones.

    python -m examples.region.ehr --data DIR --port 0 --organisation gouwe --fhir r4 --ready-file F

A node stands in front of it and must not be able to tell it from a vendor's server; so it does what those do, also
where that is not wise: it combines the URL with a posted form, gives pages under links that name no patient, answers
a search without a patient with everybody's records, and knows ``_include``, ``_revinclude``, chains and ``_has``.
Keeping all of that away from other organisations is the node's work. On request it misbehaves (README.md).

The map, each module using those before it:

- ``outcome``       errors as OperationOutcome
- ``parameters``    which search parameters each resource type has, and where their values are found
- ``dates``         FHIR dates as ranges of time
- ``index``         the searchable values of one resource
- ``records``       SQLite: resources and their searchable values
- ``validation``    is this data sound? (``fhir.resources``, loaded only when something has to be checked)
- ``query``         the text of a search, read into a ``Search``
- ``search``        a ``Search`` against the records
- ``pages``         results as Bundles, page by page
- ``operations``    ``$everything``, ``$lastn``, batches
- ``capability``    the CapabilityStatement
- ``misbehaviour``  what it was told to do wrong
- ``system``        what the handlers share; ``messages``: reading requests, writing answers
- ``search_api``, ``resource_api``, ``control``   the handlers
- ``server``        the application: routes, errors, token
- ``parent``        stop when whoever started us is gone
"""
