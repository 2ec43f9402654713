"""What is well formed and cannot be meant, worked out without a payload from what is known of payloads."""
