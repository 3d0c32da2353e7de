"""The decision for those who keep their own enforcement point: AuthZEN Access Evaluation over the same engine.

    messages.py  what is asked: subject (organisation and person), action (method), resource (FHIR request), context
    point.py     decided as a described request is, and recorded before it is answered
    routes.py    ``/internal/pdp/v1/evaluation`` and ``/evaluations``

Whoever uses it answers for what the enforcement point does otherwise: token, proof, and the check of what their server sends. So an
emergency, and what only a checked page may name, are never permitted here.
"""
