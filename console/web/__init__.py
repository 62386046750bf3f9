"""The pages: rendered by the server, usable without script, everything from this one address."""
