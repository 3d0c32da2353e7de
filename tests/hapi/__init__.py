"""Tests against HAPI FHIR, a FHIR server that nobody here wrote (``examples/region/hapi``).

``test_install`` needs neither Java nor network. The rest carries the marker ``hapi`` and shares one R4 server per test
run, also between the workers of pytest-xdist; where Java or Maven is absent it is skipped with the command that installs
them. The first run fetches 294 MB, every run waits half a minute for the server.

    make test T=tests/hapi          all of it
    pytest -m "not hapi"            without the server

Fixtures, in ``conftest``: ``hapi_server`` is the base URL of the server with the patients of ``family``; ``hapi_r4`` is
the same server with De Gouwe's file of the demo region as well; ``hapi_stu3`` is an STU3 server, started only for those who
ask for it. A server keeps what a test writes: a test that writes uses ids of its own, and one that counts asks for its own
patients.

``test_use_case_queries`` asks every query of the shipped use cases, with the record of ``citizen``.
``test_surprises`` is the list of what a real server does that an enforcement point must survive. When one of them fails
after an upgrade of HAPI, a danger may be gone, but only there: the node keeps its check.
"""
