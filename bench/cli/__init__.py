"""The command line: ``main`` parses a command's options and calls the function that runs it.

``options`` holds a frozen dataclass per command and imports no library but tyro, so that ``--help`` is fast.
``commands`` holds one function per command and may import every other package of ``bench``.
"""
