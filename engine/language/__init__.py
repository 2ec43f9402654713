"""The mapping language: text and dicts in, plans and dicts out. Pure: no network, disk, clock or chance."""
