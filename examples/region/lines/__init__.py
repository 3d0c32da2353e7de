"""The ten lines of the story, one file each: what happens, what must be seen, and what it means when it is not.

Every module has ``TITLE`` and ``tell(stage)``, which shows what it sees and returns one sentence with what was measured. It raises
:class:`examples.region.stage.StoryError` when anything is not as it must be; nothing in here is taken from a file or made up.
"""
