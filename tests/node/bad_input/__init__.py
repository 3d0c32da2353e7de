"""Bad input at every door: what is sent (``attacks``), where (``doors``), and what has to come back (``dialects``)."""
