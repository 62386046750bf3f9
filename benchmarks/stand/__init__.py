"""What is measured stands here: Redis as deployed, workers, an empty Celery task beside them, and sinks."""
