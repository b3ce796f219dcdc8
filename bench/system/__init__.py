"""The machine: devices, durable files, signals, clocks, counters of work, and provenance.

Does not know images, noise or training; may import only ``bench.errors``.
"""
