"""The options of each command: a frozen dataclass whose docstring is the command's help.

Imports only tyro and the recipes, so that ``--help`` does not wait for torch or pandas.
"""
