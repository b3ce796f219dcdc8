"""The report of stored runs: one HTML page that opens from disk, and its figures as files for papers.

``write.py`` writes it: one section per setup with recommendations, tables, figures and images, then failures
and provenance. The package may import profile, tables and below.
"""
