"""How it runs: the Celery app, the worker's own steps, and everything on a fresh machine.

Importing it checks that `tasks` is ours: the name is common, and a `tasks.py` in the folder in which a
command is started would take its place.
"""

from workers.own_tasks import refuse_foreign_tasks

refuse_foreign_tasks()
