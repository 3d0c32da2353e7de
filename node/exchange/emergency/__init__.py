"""Breaking the glass: an emergency sets aside objection and missing legal basis, for one citizen, for 15 minutes, with a reason.

What keeps it rare and visible::

    declared    by who asks, at the patient match, with a reason (``Purpose-Of-Use: BTG``, ``Break-The-Glass``)
    decided     by the same rules (``decide/``): only where the use case offers it, only where no other basis suffices
    opened      book.py writes it down, with the promise's number, before a byte leaves; one grant opens one citizen, once
    shown       in the citizen's access report, with the reason
    reviewed    routes.py: the queue of what nobody judged yet; a verdict ends one that still runs

    emergency.py  the value and its words
"""
