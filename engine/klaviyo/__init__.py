"""The only room that knows how Klaviyo wants to be spoken to."""
