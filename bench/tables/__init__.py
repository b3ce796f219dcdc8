"""Tables as text and figures: score tables, paired differences, cost curves, and comparisons of two folders.

The package formats the results of ``bench.analysis`` with ``bench.output``. It reads results through
``bench.store`` and imports no code that trains or scores.
"""
