"""The report of stored runs: one HTML page that opens from disk, with figures for papers beside it.

``write.py`` writes it: a section for each setup with recommendation, tables, figures and images, then
failures and provenance. It may import profile, tables and below.
"""
