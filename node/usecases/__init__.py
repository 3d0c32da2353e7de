"""Use cases as files: what may be asked of whom, word for word, for both sides of the exchange.

::

    identifiers.py  the numbers by which people and organisations are known, and FHIR's ids
    parameters.py   one search parameter of a file: filled by the asker, recognised by the holder
    vocabulary.py   the words of a file: versions, purposes, codes, counts
    step.py         one query, one write; table.py: the queries of one direction in one FHIR version
    conditions.py   source, pilot, delegations, second tier, what to do when something is away
    definitions.py  presentation definitions as text, their trust anchors
    model.py        the file as a frozen value; cross-checks that a schema can not express
    load.py         text -> value; which files count: shipped, narrowed, signed, pinned
    errors.py       what is wrong with a file: path, line, message, remedy
    complaints.py   every mistake of a file in those words; lines.py: where it stands; remedies.py: what to do
    narrowing.py    whether a local file only takes away from a shipped one
    difference.py   what changes when one file takes the place of another
    signed.py       a signature beside a file
    policies.py     policy directories of a nuts-node, as they are
    schema.py       the JSON Schema, for editors
    plan.py         bindings -> the FHIR requests of a step; which table two organisations use
    book.py         the use cases of this node, by id and by wire scope, trust anchors filled
    listing.py      the file for people: queries beside the allow-list that follows from them
    *.yaml          the shipped use cases, pinned by digest in ``load.py``

One table serves both sides: the asker sends a step's ``send`` form, the holder lets through that form and the
alternatives of ``accept``, parameter by parameter, and nothing else (``node/exchange/allowlist.py``). Pure, except that
``load.py`` reads files of this package or files it is given.

::

    usecases = {loaded.usecase.id: loaded for loaded in load_shipped()}
    table = choose_table(usecases["ha-vvt"].usecase, asker_type="Z3", holder_type="T2", offered=("stu3",))
    requests = plan_step(table.steps[0], {"bsn": ("999990135",)})
"""
