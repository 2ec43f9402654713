"""What a change of the mappings changes, over given notifications."""
