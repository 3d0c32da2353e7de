"""FHIR STU3 read as R4: a common reading of the zibs of the shipped use cases, which says what it could not carry over (``as=r4``).

    reading.py    one resource: rules applied, everything without a rule is a loss
    clinical.py   the rules per clinical type; general.py those of people, organisations and encounters; medication.py of medication
    values.py     shapes that changed: one value became many, a code became a concept, a dosage moved

A reading is for software that knows one version; the original is the truth and is always given along (as Binary in a Bundle, as
``original`` on a line). Nothing is guessed: a member that has no place in R4, or whose place depends on what is meant, is listed in
``losses`` by its path. Codes are carried over as they are, except where R4 renamed a code system of its own.
"""
