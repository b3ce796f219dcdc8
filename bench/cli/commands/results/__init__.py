"""Commands on stored runs and reference results; their options are in ``bench.cli.options.results``."""
