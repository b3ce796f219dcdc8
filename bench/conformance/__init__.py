"""The conformance suite: ``noisebench check`` tests by it whether a method keeps to the contract.

``suite`` runs the checks in order on each ``case``, a method under one noise model; the ``*_checks`` modules
hold them. May import the contract, training and scoring, but neither runs nor reports.
"""
