"""The machine: devices, durable files, signals, clocks, counters of work, and which code and versions ran.

Knows nothing of images, noise or training; may import ``bench.errors`` alone.
"""
