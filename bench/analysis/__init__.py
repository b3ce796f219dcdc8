"""Numbers computed from stored scores alone: means, intervals, paired differences and score tables.

It writes no text and draws no figures. Runs are data frames with the columns of ``bench.analysis.columns``.
Imports only ``bench.errors`` and ``bench.settings``.
"""
