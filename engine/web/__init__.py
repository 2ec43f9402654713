"""What the relay serves: the address that Intercom posts to, and how it is doing."""
