"""Training runs: a recipe becomes a list of jobs, and each job is executed once and stored.

Imports training, scoring, images, noise and the store; the commands and the published tables import it.
If Ray is installed, ``cluster`` executes jobs on several machines.
"""
