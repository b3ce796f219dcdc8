"""One file per method; the file's stem is the method's name on the command line."""
