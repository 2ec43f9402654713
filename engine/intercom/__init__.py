"""The only room that knows how Intercom speaks."""
