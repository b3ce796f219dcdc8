"""The conformance suite, with which ``noisebench check`` tests whether a method keeps to the contract.

``suite`` runs the checks in order on each ``case``, a method under one noise model; the ``*_checks`` modules
define them. May import the contract, training and scoring, but neither runs nor reports.
"""
