"""Types of credentials: what each has to say, as JSON Schemas (draft 2020-12) over the whole credential.

A file ``<Type>.json`` beside this one describes one type; its ``title`` is the type. ``credentialSubject`` is seen as one object, whichever
way it was written. An operator adds a type with such a file in a directory of their own; a type that has none is handled generically.

Schemas hold for what is *issued* here. What others issued is held to the rules of `credentials.vc.type_rules` and to what a
presentation definition asks: half of these types are drafts, and a peer that follows another draft is not refused for that.

::

    schema.py      one schema: read, compiled once, one sentence for what does not fit
    shipped.py     the schemas that come along
    catalogue.py   those and the operator's, by type
"""
