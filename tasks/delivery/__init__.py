"""One pass of one notification: claim it, walk the chain of servers, and keep what became of it."""
