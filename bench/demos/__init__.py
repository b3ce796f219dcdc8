"""Demonstrations: a score that is learned beside the exact one, and three noises of equal error."""
