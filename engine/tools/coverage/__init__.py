"""What lines never had, and what of the payloads nothing reads."""
