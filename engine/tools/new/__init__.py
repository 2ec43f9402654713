"""A spec with its test, made from a captured notification."""
