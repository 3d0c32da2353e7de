"""The audit log: who asked for what about whom, what we decided and how it ended; durable before anything leaves.

Map of the room::

    record, rules     what is recorded, as values
    log               the port: promise, outcome, record, epoch; its errors
    entry             record -> canonical bytes with sealed details and index columns
    chain, lane, head pure: hash chain, one writer's chain, signed heads
    writer_sqlite     one thread, one file, group commit           schema_sqlite, reader_sqlite
    writer_postgres   several replicas on one database             schema_postgres, reader_postgres
    verify, export    was it touched? also on another machine
    asking, search, fhir, report   asking the log; FHIR AuditEvent R4; a citizen's access report
    service, routes   API.md §4 over HTTP
    seal, pseudonym   nothing sensitive in clear

Rules it keeps: a promise is on disk before it is acknowledged; a single-use value works once; what was decided before something
was taken away is refused; nothing here holds a citizen number or clinical text in clear; one changed byte is found.
"""
