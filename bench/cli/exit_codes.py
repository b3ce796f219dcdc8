"""Exit codes of commands, in addition to 0 for success."""

SOME_FAILED = 1
BAD_INPUT = 2
STORE_LOST = 3
SIGNALLED = 128
"""Base to which the number of the signal that stopped the command is added."""
