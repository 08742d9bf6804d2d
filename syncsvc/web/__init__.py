"""One small HTTP server: metrics, probes, and the page that shows the lag."""
