"""Characters that act on a terminal instead of being shown on it."""

CONTROL_CHARACTERS = ["\0", "\n", "\r", "\t", "\x1b[31m", "\x07", "\x7f", "\x9b2J"]
CONTROL_CHARACTERS += ["\u2028", "\u2029", "\u202e", "\u2066", "\udcff"]
