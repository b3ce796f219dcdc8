"""One file per method; the file's stem is the method's name on the command line."""

PUBLISHED = ("noise2void", "sure", "noise2score", "noise2noise", "supervised")
"""The methods of Noise2Score's Table 2 that are here, which the recipes compare unless told otherwise."""
