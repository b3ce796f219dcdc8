"""Commands on methods and this machine; their options are in ``bench.cli.options.methods``."""
