"""Everything that must survive: what was received, what is to be sent, and what became of it."""
