"""The exchange, seen from both sides: what may be asked, what may come back, and how answers are put together.

The pure parts, without network, clock or storage::

    interaction.py     method, path, query and form body -> one Interaction, or a refusal; nothing is dropped
    allowlist.py       Interaction x query table -> Permitted: the step, the patient it is about, the request to forward
    decide/            may this organisation have it: rules over facts -> a decision that can be explained
    response.py        one page of an answer belongs to this patient and this step, wholly or not at all
    searchset.py       the Bundle that leaves a holder, without the inner server's links and addresses
    identity.py        the holder's own Patients -> whose record is which
    patient_fields.py  per resource type, which fields may hold a patient
    shapes.py          that table as decoders, which look at nothing else
    references.py      what a FHIR reference points at, seen from one base address
    members.py         duplicate JSON members, for pages of strangers
    cursor.py          paging links, sealed and bound to a grant
    careteam.py        care teams -> the organisations that take part in someone's care
    merge.py           answers of several holders side by side, with their origin

The holder runs interaction, allowlist, decide, response; the asker runs response and merge. Both run the *same* table and
the same page check, so neither side has to believe the other.
"""
