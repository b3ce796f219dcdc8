"""Images: registered sets, folders and downloads, the user's image files, and the checks on all of them.

``sources.open_set`` opens a set by name, folder or address; ``image_file`` reads and writes single files.
Imports only the errors and ``bench.system``.
"""
