"""How results become text and figures: tables in Markdown, LaTeX, CSV and the terminal, the style of figures.

The package knows nothing of methods, runs or scores. It imports ``bench.system`` alone, and libraries that
lay out text and draw.
"""
