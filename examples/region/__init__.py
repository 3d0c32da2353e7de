"""A care region that does not exist: Streek Rijn en Gouwe, six organisations and four patients.

The map of this room, each line using those above it:

- ``organisations``, ``patients``, ``askers``  who they are, where each citizen is in care, who asks; and the intruder.
- ``data``                                     what each record system holds, built as FHIR R4 or STU3.
- ``ehr``, ``hapi``                            the record systems: a small FHIR server that can be told to misbehave, and a real one.
- ``certificates``, ``discovery``              throw-away certificates and the two definition files that the region agrees on.
- ``revocation_site``                          where the region's CA publishes what it has revoked; the nodes look there.
- ``processes``, ``free_ports``, ``place``     starting and ending what is ours, ports that are free, a directory of one's own.
- ``running_node``, ``vendor``, ``answer``     a node as a process; what a vendor's software calls; how it reads an answer.
- ``joining``, ``objection``, ``network``      the whole region: started, registered, with its one consent, and stopped.
- ``peer``, ``intruder``, ``tampering``, ``commands``  requests by hand, a stranger, a thief with the disk, the operator's commands.
- ``display``, ``stage``, ``checking``, ``showing``, ``guide``  what the story is told with.
- ``lines``, ``story``, ``__main__``           the ten lines, told in order, from the command line.

Names, numbers and stories are made up; the numbers lie in ranges that are never given out (BSNs under 9999, URA 9000).
"""
