"""Each formula against a closed form, an exact identity or quadrature."""
