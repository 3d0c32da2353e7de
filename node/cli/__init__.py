"""The command ``hazel THING VERB``: one module per thing, each with ``add_parser`` and commands that return an exit code.

Data goes to standard output (``--json`` for programs), everything else to standard error. Exit codes: 0 done, 1 refused or
failed, 2 wrong usage, 3 peer or node unreachable. Secrets and citizen numbers are never arguments.

::

    main.py                                    arguments to the right thing, errors to exit codes
    init.py, serve.py                          make a node, run it
    configuration.py, config_docs.py           hazel config; the page that is generated
    doctor.py, map.py                          the way to another organisation, step by step; everybody at once
    status.py, subject.py, key.py, credential.py, discovery.py, discovery_log.py, directory.py, explain.py
                                               one thing each, asked of the running node (api.py)
    given_tokens.py                            hazel token: what we gave to others
    emergency.py                               hazel emergency: where the glass was broken
    credential_changes.py, credential_words.py, credential_explain.py
                                               what changes a wallet or is issued; credentials in words; why a scope is not satisfied
    ask.py                                     one question; answer.py and ask_view.py show what comes
    consent.py, consent_resource.py            what citizens allow, and its FHIR form
    audit.py, audit_lines.py, audit_verify.py  the log: shown, and verified
    usecase.py, usecase_files.py, usecase_changes.py   use case files, without a node
    citizen.py, person.py                      who is asked about, and who asks; a number is never an argument
    options.py, output.py                      options and words that commands share
"""
