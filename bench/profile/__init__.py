"""The throughput profile: the workloads that are timed, their timings, and the table and figure of these.

The timings are taken by ``tests/throughput``. The package imports ``bench.training`` and the packages below
it.
"""
