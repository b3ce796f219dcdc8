"""Training: patches, the U-Net, one optimiser step, and the loop that runs it with checkpoints.

The same for every method, which contributes its loss alone. May import the method contract, images, noise and
``bench.system``; no scoring, no stored results.
"""
