"""Feeds against servers of our own."""
