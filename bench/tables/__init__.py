"""Tables as text and figures: score tables, paired differences, cost curves, and comparisons of two folders.

It lays out what ``bench.analysis`` computes, with the means of ``bench.output``. It reads results through
``bench.store`` and imports no code that trains or scores.
"""
