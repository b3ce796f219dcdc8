"""Commands on images; their options are in ``bench.cli.options.images``."""
