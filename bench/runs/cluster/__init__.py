"""Training runs on a Ray cluster.

The driver claims jobs in its store and submits them; a worker executes one in a temporary store and returns
its files; the coordinator, an actor on the driver's machine, keeps the checkpoints and the events of workers.
Only ``resources`` and ``coordinator`` can be imported without Ray.
"""
