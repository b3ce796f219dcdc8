"""The report: stored runs as one page that opens from disk, with figures for papers beside it."""
