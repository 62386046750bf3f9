"""How it runs: the Celery app, the worker's own steps, and everything on a fresh machine."""
