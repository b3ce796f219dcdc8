"""The options of each command: a frozen dataclass whose docstring is the command's help.

Imports tyro and the recipes alone, so that ``--help`` need not wait for torch or pandas.
"""
