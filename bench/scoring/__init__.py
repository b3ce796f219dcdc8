"""Scoring: noisy test sets, a trained denoiser, and the metrics of each denoised image.

May import training, images and noise; stored results and tables are built on its rows elsewhere.
"""
