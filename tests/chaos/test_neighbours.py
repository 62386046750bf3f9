"""Others on the same Redis: an app of somebody else's with long tasks, and a second installation."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.rigs.installation import Installation, running_installation
from tests.rigs.mailbox import open_mailbox
from tests.rigs.processes import wait_until

#: An app with acks late, whose task takes longer than our visibility timeout; it notes each run in Redis.
THEIRS = """
import os, time, redis
from celery import Celery

app = Celery("theirs", broker=os.environ["URL"])
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)

@app.task(name="theirs.long")
def long(number):
    client = redis.Redis.from_url(os.environ["URL"])
    client.rpush("theirs.runs", number)
    while not client.exists("theirs.go_on"):
        time.sleep(0.05)
    client.rpush("theirs.done", number)
"""


@contextlib.contextmanager
def their_worker(installation: Installation, folder: Path) -> Iterator[None]:
    folder.mkdir()
    (folder / "theirs.py").write_text(THEIRS, encoding="utf-8")
    command = [sys.executable, "-m", "celery", "-A", "theirs", "worker", "--pool=threads", "--concurrency=4"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**installation.environ, "PYTHONPATH": str(folder), "URL": installation.server.url},
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


def test_tasks_of_another_app_run_once_beside_ours_and_ours_beside_them(tmp_path: Path) -> None:
    with (
        running_installation(tmp_path) as installation,
        open_mailbox() as mailbox,
        their_worker(installation, tmp_path / "theirs"),
        installation.worker(),
    ):
        installation.configure(primary=mailbox)
        redis = installation.runtime.redis
        send = (
            "import os; from celery import Celery; app = Celery(broker=os.environ['URL']);"
            "[app.send_task('theirs.long', args=[n]) for n in range(3)]"
        )
        subprocess.run(
            [sys.executable, "-c", send],
            env={**installation.environ, "URL": installation.server.url},
            check=True,
        )
        wait_until(lambda: redis.llen("theirs.runs") == 3, seconds=60, what="their tasks running")
        # Ours gives back what is unacknowledged for longer than this, and looks every five seconds.
        assert redis.zcard("unacked_index") == 3
        for tag in redis.zrange("unacked_index", 0, -1):
            redis.zincrby("unacked_index", -90, str(tag))
        # One of ours besides, which stands for nothing: once it is gone, ours has looked.
        redis.zadd("notify.unacked_index", {"nothing": 0})
        ids = installation.publish_many(50)
        wait_until(lambda: installation.final_count() == 50, seconds=60, what="ours being final")
        wait_until(
            lambda: redis.zscore("notify.unacked_index", "nothing") is None,
            seconds=60,
            what="our worker looking for what is unacknowledged",
        )
        swept = redis.zcard("unacked_index")
        redis.set("theirs.go_on", "1")
        wait_until(lambda: redis.llen("theirs.done") == 3, seconds=60, what="their tasks being done")
        wait_until(lambda: not redis.zcard("unacked_index"), seconds=60, what="them being acknowledged")
        assert (swept, redis.llen("theirs.runs")) == (3, 3), "none of theirs was given back by ours"
        assert mailbox.counts() == dict.fromkeys(ids, 1)


def test_two_installations_on_one_redis_do_not_see_each_other(tmp_path: Path) -> None:
    with running_installation(tmp_path / "one") as one, open_mailbox() as mine, open_mailbox() as yours:
        (tmp_path / "two").mkdir()
        two = Installation(one.server, tmp_path / "two", NOTIFY_PREFIX="second")
        one.configure(primary=mine)
        two.configure(primary=yours)
        with one.worker("-n", "one@%h"), two.worker("-n", "two@%h"):
            ids, others = one.publish_many(40), two.publish_many(40)
            wait_until(lambda: one.final_count() == 40, seconds=60, what="the first one's being final")
            wait_until(lambda: two.final_count() == 40, seconds=60, what="the second one's being final")
        assert mine.counts() == dict.fromkeys(ids, 1)
        assert yours.counts() == dict.fromkeys(others, 1)
        two.runtime.close()
