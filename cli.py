#!/usr/bin/env python3
"""Run the command line from a clone: python cli.py --help."""

from engine.commands import main

if __name__ == "__main__":
    main()
