"""The HTTP API: what programs do over HTTP, with a token and its scope, and a problem for every fault."""
