"""Spec files: the same cases in memory and on real servers."""
