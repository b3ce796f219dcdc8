"""What each command does: one function of its options, whose module is imported when the command is called.

May import every package of ``bench``; nothing imports it but ``bench.cli.main``, by name.
"""
