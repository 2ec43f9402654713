"""A spec with all that it takes in, as one page."""
