"""How a person reaches the rest: command line, web page, HTTP API."""
