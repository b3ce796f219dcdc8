"""What somebody who means ill hands in: refused by its name, in time, and never run."""
