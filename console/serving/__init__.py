"""What pages and HTTP API share: the parts of the process, what a route demands, how a fault is told."""
