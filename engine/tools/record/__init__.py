"""Captured payloads as fixtures that carry no customer."""
