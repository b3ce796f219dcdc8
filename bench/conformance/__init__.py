"""The conformance suite: the checks of ``noisebench check`` that one method keeps to the contract.

``suite`` runs the checks in order on each ``case``, a method under one noise model; the ``*_checks`` modules
hold them. Imports the contract of methods, training and scoring, but nothing of runs or reports.
"""
