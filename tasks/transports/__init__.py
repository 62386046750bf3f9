"""How a notification leaves: the SMTP client with its phases, and the pool of connections."""
