"""Everything on a machine that has nothing: `make up` starts Redis, a worker, two inboxes and two pages.

For trying out, developing and rehearsing a failover on one machine, bound to loopback alone; production
runs the worker by itself (see the documentation on deploying).
"""
