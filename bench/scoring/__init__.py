"""Scoring: noisy test sets, trained denoisers, and the metrics of each denoised image.

May import training, images and noise. It returns rows; other packages store and tabulate them.
"""
