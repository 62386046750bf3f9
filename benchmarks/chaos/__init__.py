"""Breaks what the promise says may break, while notifications flow, and counts what came of it.

`python -m benchmarks.chaos` runs every experiment in full, with `--short` in the form that the tests run;
names choose some. Everything is real: processes of Celery, a Redis, mail servers that misbehave. Only the
calendar of Redis is moved, so that leases need no waiting. The seed decides where a run breaks what.
"""
