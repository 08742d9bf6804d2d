"""TLS, logins, rights and secrets, on real servers that are set up to refuse."""
