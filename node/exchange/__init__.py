"""The exchange, seen from both sides: what may be asked, what may come back, and how answers are put together.

The pure parts, without network, clock or storage::

    interaction.py     method, path, query and body -> one Interaction, or a refusal; nothing is dropped
    target.py          the path of it: which of FHIR's interactions it names
    unlisted.py        the codes of what is not listed; kinds of request that no use case can list
    allowlist.py       Interaction x query table -> Permitted: the step, the patient it is about, the request to forward
    decide/            may this organisation have it: rules over facts -> a decision that can be explained
    response.py        one page of an answer belongs to this patient and this step, wholly or not at all
    hidden.py          and nothing stands on it where no rule looks
    searchset.py       the Bundle that leaves a holder, without the inner server's links and addresses
    identity.py        the holder's own Patients -> whose record is which
    patient_fields.py  per resource type, which fields may hold a patient; care_fields.py: those of further types
    shapes.py          that table as decoders, which look at nothing else
    references.py      what a FHIR reference points at, seen from one base address
    members.py         duplicate JSON members, for pages of strangers
    cursor.py          paging links, sealed and bound to a grant
    careteam.py        care teams -> the organisations that take part in someone's care
    merge.py           answers of several holders side by side, with their origin

With effects, the way in (start at inbound.py: every path goes through it)::

    inbound.py         the eight steps in their order
    entrance.py        who calls
    incoming.py        a peer's request as it came, what it states in headers
    understanding.py   it, understood, or refused with what was understood
    asked.py           the request in the query table, and what is refused without a look at a citizen
    binding.py         whom it is about (about.py), and the facts to decide on
    writing.py         what a peer writes, where a use case names it
    turns.py           one asker's many requests wait for each other, not everybody for them
    rooms.py           memory for all answers together; bulkhead.py a wall around each of our servers
    forwarding.py      the one call to our own FHIR server for a peer, and the check of what it says
    outgoing.py        the page that leaves; named.py remembers what it names
    refusing.py        refusals (refusal.py): recorded, then told at a moment and in words that say nothing more
    inbound_record.py  what the audit log keeps of it
    facts.py           what our own FHIR server says about a citizen; referral.py to whom they were referred;
                       consent_fact.py what they recorded
    emergency/         the glass that was broken, and its review; agreement/ standing agreements with others
    named_store.py     what pages named, for every replica; opening.py wires these three, holder_ports.py asks them
    pdp/               the same decision for those who keep an enforcement point of their own (AuthZEN)
    explaining.py      why it was, or would be, allowed or refused

and the way out::

    outbound.py        one question: planned, asked in parallel, streamed, ended by its deadline
    question.py        what a vendor's system asks; planning.py: may it, and whom
    seat.py            one holder: its first address that lets us in, the next one when that goes away
    asking.py          one address: token, match, steps, pages; under_way.py: what came so far
    peer_health.py     circuit breakers and waiting times by address
    answering.py       the answer in the shape that was asked for: stream, Bundle, a view (views/), in R4 (r4/)
    session.py         what one person was shown a moment ago: in memory, for minutes
    lines.py           what waits for the caller, bounded
    direct.py          one query to one peer, for systems that chain queries themselves; direct_routes.py its door
    peer_answer.py     what an answer means
    outbound_record.py what the audit log keeps of it
    deadline.py        a time limit on the world's clock
    events.py          the lines of the stream

routes.py and outcome.py are the doors to HTTP, capabilities.py what anybody may read, ports.py what other rooms give us.

The holder runs interaction, allowlist, decide, response; the asker runs response and merge. Both run the *same* table and
the same page check, so neither side has to believe the other.
"""
