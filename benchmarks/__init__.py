"""Benchmarks: they measure and report, and are never tests."""
