"""django-celery-email's own task, under Django with its settings."""

from __future__ import annotations

import os
from typing import Final

import django
from django.conf import settings

from benchmarks.stand.same_settings import celery_app

QUEUE: Final = "benchmark.django"
TASK: Final = "djcelery_email_send_multiple"

settings.configure(
    INSTALLED_APPS=["djcelery_email"],
    EMAIL_BACKEND="djcelery_email.backends.CeleryEmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=int(os.environ["BENCHMARK_SINK"]),
    SECRET_KEY="of a benchmark",
)
django.setup()

app = celery_app(QUEUE)
app.set_default()
app.autodiscover_tasks(["djcelery_email"])
