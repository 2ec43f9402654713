"""A stand-in for Klaviyo: its rules, its limits and its words, without an account."""
