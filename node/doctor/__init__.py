"""`hazel doctor`: the whole way to another organisation, step by step, each with its outcome and its remedy.

::

    walk.py         the steps in their order
    whom.py         which authorization server is meant: a URL, a URA number, or our own: pure over the directory
    reaching.py     its name, its address, its certificate
    documents.py    what it publishes: metadata, DID documents
    kind.py         what kind of node that is: pure; differences.py what follows from it
    asking.py       per scope: what it asks, whether our wallet has it, whether it gives a token
    fhir.py         what its FHIR servers say they are; capability.py reads that: pure
    finding.py      what one step found
    ports.py        what is asked of the network beside HTTP
    routes.py       the question and the answer as JSON
    opening.py      from the composition root to here; loads all of it only when somebody asks

Nothing about patients is asked. What is remembered of the other side is left out of account: everything is fetched anew. Findings are in
words of ours; of what the other side says only names, numbers and dates come through, each after a check of its form.
"""
