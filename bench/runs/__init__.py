"""Training runs: recipes are planned into jobs, and each job is executed once and stored.

Imports training, scoring, images, noise and the store; the commands and the published tables import it.
With Ray installed, ``cluster`` executes jobs on several machines.
"""
