"""The command line: python -m vqseg COMMAND ..., one file a command. The only room that prints.

Exit status: 0 done; 1 some inputs failed or the run stopped; 2 the command or its files were wrong.
"""

from vqseg.cli.commands import main

__all__ = ["main"]
