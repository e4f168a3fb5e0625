"""Screening: the manifest, the shard task, the processes that run it, and the run."""
