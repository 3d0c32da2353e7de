"""An answer as people read it: views that are computed from the same result as the stream, and say what is missing in it.

    result.py      what came, from whom, and how each part ended; one entry per resource; what a topic's standing is
    items.py       a resource in one line: type, date, text; codes.py its codes, substance and statuses
    conflicts.py   what two holders say differently about medication, allergies and treatment limits: marked, never resolved
    timeline.py    contacts, events and data of all holders by date (need 1)
    network.py     the people and organisations around a patient, with telephone numbers (need 9)
                   (telephones.py asks the care services directory)
    medication.py  medication side by side, with differences (need 3)
    topics.py      views made of topics: the five essentials (need 5) and the check at discharge (need 10)
    choose.py      the views by name
    picking.py     looking into parsed JSON

Nothing here is believed to be complete: every view and every topic has a ``state`` of API.md §2 and lists what is missing, so that a
list that could not be had reads "not available" and never looks empty.
"""
