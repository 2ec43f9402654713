"""The shorter form of a spec that says the same."""
