"""Two demonstrations: a learned score next to the exact one, and three noises of equal error.

They use the noise models, the images and the method Noise2Score, but no stored runs.
"""
