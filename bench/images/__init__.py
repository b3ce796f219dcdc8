"""Images: registered sets, folders and downloads, image files of a user, and their checks and bounds.

``sources.open_set`` opens a set by its name, folder or address; ``image_file`` reads and writes single files.
Imports only the errors and ``bench.system``.
"""
