"""Bytes to signals: what they are, their digests, their pixels, PDQ."""
