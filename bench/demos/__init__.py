"""Two demonstrations: a learned score beside the exact one, and three noises of equal error.

They use the noise models, the images and the method Noise2Score, and none of the stored runs.
"""
