"""The release: a corpus without its matched items, and the signed statement about it."""
