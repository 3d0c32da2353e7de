"""What survives a restart: the node's database, its schema and its migrations.

``schema.py`` lists every table, ``database.py`` opens it and gives transactions, ``migrate.py`` brings it up to date. Each
``…_store.py`` implements one port that a feature declared in its own words, with visible statements. The audit record is not
here: it has a file and a writer of its own (``node/audit``).

::

    schema.py          every table
    database.py        opening, transactions, inserts that say what to do on a conflict
    without_orm.py     SQLAlchemy's asyncio package without the ORM it loads along
    migrate.py         bringing the schema up to date
    migrations/        the steps, numbered
    registry_store.py  discovery services
    log_store.py       their logs
"""
