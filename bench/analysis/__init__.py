"""Statistics of stored scores: means, intervals, paired differences and score tables.

The package writes no text and draws no figures. Runs are data frames with the columns of
``bench.analysis.columns``. Imports only ``bench.errors`` and ``bench.settings``.
"""
