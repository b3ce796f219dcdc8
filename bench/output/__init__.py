"""Text and figures: tables in Markdown, LaTeX, CSV and the terminal, and the style of all figures.

The package knows nothing of methods, runs or scores. It imports only ``bench.system``, and libraries for text
and figures.
"""
