"""The command line: ``main`` parses the options of a command and calls the function that carries it out.

``options`` holds a frozen dataclass for each command and imports no library but tyro, so that help is quick.
``commands`` holds a function for each and may import every other package of ``bench``.
"""
