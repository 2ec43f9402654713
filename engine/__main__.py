"""`python -m engine` is the command line."""

from engine.commands import main

main(prog_name="python -m engine")
