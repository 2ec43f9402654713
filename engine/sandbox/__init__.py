"""Stand-ins on this machine, of Intercom and of Klaviyo: for demos, tests and dry runs without an account."""
