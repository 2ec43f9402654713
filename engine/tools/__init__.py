"""One question each: a function that returns data, for commands to print."""
