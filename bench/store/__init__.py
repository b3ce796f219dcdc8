"""The store of runs on disk: one folder per run, with a record, checksums, scores, weights and a log.

``store`` writes runs, ``stored_runs`` reads them, ``reference`` reads and collects results without weights.
Imports only the settings, the protocol, the errors and ``bench.system``. It does not import torch, so that
listing runs is fast.
"""
