"""Hazel opposite a live nuts-node: ``make interop NUTS_NODE=path/to/binary``.

A real Hazel node and a real nuts-node run on loopback over TLS and do everything that two organisations do with each other. Both
are driven through the vendor API that they share, so each step is written once and walked twice: once with Hazel as the one who
acts, once with nuts-node. Nothing is faked between them.

- ``authority``, ``tls_front``         certificates of one run; TLS in front of a nuts-node, which has none itself.
- ``agreements``                       what both take part in: discovery services, and the scopes each gives tokens for.
- ``hazel_node``, ``nuts_node``        making and starting one of either.
- ``records``, ``resource_proxy``      the FHIR servers behind both; what a vendor puts in front of one beside a nuts-node.
- ``vendor``, ``seat``                 the internal API of a node, as a vendor calls it; what a step knows about one side.
- ``world``                            both nodes up, with their organisations and certificates; and down again.
- ``step``, ``waiting``, ``altering``  a step, and how it ended; waiting for another process; spoiling a credential.
- ``identity``, ``holding``, ``tokens``, ``stranger``, ``registries``, ``exchange``, ``certificates``, ``status``, ``crowds``  the steps.
- ``likeness``, ``calls``              the internal API of both side by side: a vendor's software should not notice which it calls.
- ``walk``                             all steps in order; ``results`` what is kept of them and the page ``docs/interop.md``.
- ``test_live``                        the same as a test, skipped by name without a binary.

A nuts-node that allows loopback peers has to be out of its strict mode; what only strict mode does is not tried here.
"""
