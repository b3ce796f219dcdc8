"""Sample methods for ``noisebench new``: ``write`` fills in the ``templates``.

Imports only discovery, the system package and errors.
"""
