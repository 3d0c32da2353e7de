"""The command ``hazel THING VERB``: one module per thing, each with ``add_parser`` and commands that return an exit code.

Data goes to standard output (``--json`` for programs), everything else to standard error. Exit codes: 0 done, 1 refused or
failed, 2 wrong usage, 3 peer or node unreachable. Secrets and citizen numbers are never arguments.
"""
