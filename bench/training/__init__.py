"""Training: patches, the U-Net, one optimiser step, and the loop that runs it with checkpoints.

It is the same for every method; a method contributes only its loss. May import the method contract, images,
noise and ``bench.system``, but neither scoring nor stored results.
"""
