"""The throughput profile: workloads, their timings, and the table and figure of the timings.

``tests/throughput`` measures the timings. The package imports ``bench.training`` and the packages below it.
"""
