"""The commands: each is one function of its options, in a module that is imported when the command is called.

May import every package of ``bench``; only ``bench.cli.main`` imports it, by name.
"""
