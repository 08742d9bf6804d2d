"""What an engine promises, tried on a real broker with Faust and without."""
