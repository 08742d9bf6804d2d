"""Scenarios: hard cases on real servers, against worker processes started as in production; one module each."""
