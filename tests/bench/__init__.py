"""The benchmarks: ``make bench``, or ``python -m tests.bench [--quick] [NAME …]``.

One file per benchmark, each a function that takes a :class:`~tests.bench.setting.Setting` and returns results::

    bench_start.py    from process start to ready; memory when idle                     (its own processes)
    bench_verify.py   a presentation verified, against its bare signatures             (in this process)
    bench_credential.py  one JWT credential, verified and issued, against bare signatures (in this process)
    bench_loop.py     how late the event loop is while JSON-LD is verified              (in this process)
    bench_matching.py ten input descriptors against a wallet of 1,000 credentials       (in this process)
    bench_jsonld.py   the same in JSON-LD, against bare canonicalisation                (in this process)
    bench_read.py     one question through two nodes, against the same reads directly   (two nodes, a FHIR server)
    bench_ask.py      one question to 5 and 50 simulated holders, 1,000 questions at once (in this process)
    bench_discovery.py  taking, following and searching registrations, on SQLite           (in this process)
    bench_disk.py     which threads write to the disk while questions are answered      (the same)
    bench_token.py    tokens given, asked for and looked at                             (the same)
    bench_garbage.py  what refusing strangers costs, and a flood of 100,000 requests    (the same)
    bench_promise.py  audit promises alone                                              (in this process)
    bench_directory.py  the care services directory loaded and searched              (in this process)
    bench_page.py     checking a 30 kB page, against parsing it                         (in this process)
    bench_unit.py     an ES256 verification and a parsed page: the units of all others     (in this process)

``measure.py`` has the clocks and what a series of repetitions is; ``result.py`` results, targets and the page
``docs/benchmarks.md``; ``pair.py`` two running nodes and the stub ``record_system.py``.

Rules: every number is CPU time unless it says otherwise, since wall time belongs to whoever else uses the machine; each is the
median of at least three repetitions, with its range; each has a baseline from the same run, taken between the repetitions. A
target that is missed is shown as missed; ``make bench`` then ends with exit code 1.
"""
