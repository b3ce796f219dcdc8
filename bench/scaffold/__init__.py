"""Sample methods for ``noisebench new``: ``write`` renders the ``templates``.

Imports only discovery, the system package and errors.
"""
