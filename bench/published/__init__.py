"""Published tables and our results: the page of a table, and the verification of committed runs.

The page compares published numbers with reference results: side by side, with overview, ranks, retraining and
tuning. Verification repeats committed runs and compares scores. The package may import runs, tables and
below; the report does not import it.
"""
