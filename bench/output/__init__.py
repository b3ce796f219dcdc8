"""Text and figures: tables as Markdown, LaTeX, CSV and for the terminal, and the style of all figures.

The package does not know methods, runs or scores. It imports only ``bench.system`` and libraries for text and
figures.
"""
