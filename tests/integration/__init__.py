"""The whole service on real servers: worker processes that are killed, frozen and restarted while changes flow."""
