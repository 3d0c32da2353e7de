"""A log that can't lie: what a discovery service did, append-only, for everybody to check (RFC 9162, C2SP).

==============  ===============================================================================
``merkle``      hashes, a tree that grows, proofs that one tree is the beginning of another
``tiles``       the tree and its leaves as immutable files; which ones a proof takes
``note``        signed notes and verifier keys
``checkpoint``  the log's signed word on its size and root; what witnesses say about it
``leaf``        what happened, and who is registered when all of it is read
``entries``     entries of a list as leaves of its log
``growing``     how a tree with its tiles grows, the same in every store
``ports``       what is kept of logs
``memory``      the same in memory, the reference
``keys``        what a node signs logs with, and cosigns those of others with
``hosting``     serving: our own log, and copies that we mirror
``reading``     checkpoints, leaves and proofs of others, through the port to them
``heads``       what host and mirrors say, side by side, and what is wrong with it
``following``   follow a list by its log: the freshest tree that host, mirrors and witnesses agree on
==============  ===============================================================================

Files are as the specifications have them, so that any reader of such logs can check ours.
"""
