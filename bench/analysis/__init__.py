"""Numbers computed from stored scores alone: means, intervals, paired differences and score tables.

Here is no text and no figure. The package imports only ``bench.errors`` and its like: runs are data frames
with the columns of ``bench.analysis.columns``.
"""
