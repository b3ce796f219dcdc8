"""The command ``noisebench new``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.console import open_console, print_files, print_line
from bench.scaffold.write import write_method, write_package

if TYPE_CHECKING:
    from bench.cli.options.methods import NewOptions


def new(options: NewOptions) -> None:
    """Write a sample method and print what to do next."""
    files = write_package(options.name, options.out) if options.package else write_method(options.name)
    print_files(files)
    install = f"pip install -e {files[0].parent} && " if options.package else ""
    print_line(open_console(), f"next: {install}noisebench check {options.name}")
