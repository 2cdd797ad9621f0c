"""A cluster of one JobManager and two TaskManagers that runs one job at a time and says what it cost.

Bettiflow's REST interface has the shape of Flink's, so both are watched by the same code.
"""

import dataclasses
import json
import urllib.error
import urllib.request

from process import wait_until

# A busy machine needs long to start three JVMs.
START_SECONDS = 180
JOB_SECONDS = 300
COUNT_SECONDS = 5
TASKMANAGERS = 2
SLOTS = 2
# The same for both.
OPTIONS = {
    "taskmanager.numberOfTaskSlots": SLOTS,
    "taskmanager.memory.process.size": "1536m",
    "state.backend.type": "hashmap",
    "execution.checkpointing.interval": "10 s",
    "pipeline.auto-watermark-interval": "200 ms",
    "execution.buffer-timeout.interval": "100 ms",
}


class Failed(Exception):
    """A cluster or a job did not do what it should; the message is for people."""


@dataclasses.dataclass(frozen=True)
class Load:
    """What a job has to do. Event time advances by 1 ms a row, so a window holds `1000 * window_seconds` rows of all keys."""

    rows: int
    keys: int
    parallelism: int
    window_seconds: int = 1000


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What a job cost."""

    rows: int
    # User and system time of both TaskManagers, from before the submission until the job's end was seen.
    cpu_seconds: float
    # From the start to the end of the job, as the JobManager saw them.
    wall_seconds: float
    # Of both TaskManagers, added up.
    peak_bytes: int
    # Completed ones.
    checkpoints: int

    def rows_per_cpu_second(self):
        return self.rows / self.cpu_seconds


class Cluster:
    """What both have in common. A subclass starts `self.processes` in `__init__` and submits jobs in `submit`.

    * `rest` — the port of the REST interface
    * `processes` — the JobManager, then the TaskManagers
    """

    name = ""

    def __init__(self, rest):
        self.rest = rest
        self.processes = []

    def __enter__(self):
        try:
            self.await_start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def submit(self, load):
        """Submits the job and returns its id without waiting for its end."""
        raise NotImplementedError

    @property
    def taskmanagers(self):
        return self.processes[1:]

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}{path}", timeout=10) as answer:
            return json.load(answer)

    def await_start(self):
        if not wait_until(lambda: self.broken() or self.is_ready(), START_SECONDS) or self.broken():
            logs = "\n".join(f"--- {each.name}\n{each.end_of_log()}" for each in self.processes)
            raise Failed(f"{self.name} did not start within {START_SECONDS} s\n{logs}")

    def broken(self):
        return any(each.has_ended() for each in self.processes)

    def is_ready(self):
        try:
            overview = self.get("/overview")
        except (urllib.error.URLError, OSError, ValueError):
            return False
        return overview["taskmanagers"] == TASKMANAGERS and overview["slots-available"] == TASKMANAGERS * SLOTS

    def run(self, load):
        """Runs one job to its end and checks that all rows went through, over both TaskManagers."""
        for each in self.taskmanagers:
            each.forget_peak()
        before = self.cpu_seconds()
        job = self.submit(load)
        if not wait_until(lambda: self.broken() or self.has_ended(job), JOB_SECONDS):
            raise Failed(f"{self.name}: the job did not end within {JOB_SECONDS} s")
        if self.broken():
            raise Failed(f"{self.name}: a process ended during the job\n" + "\n".join(p.end_of_log() for p in self.processes))
        cpu_seconds = self.cpu_seconds() - before
        details = self.get(f"/jobs/{job}")
        if details["state"] != "FINISHED":
            raise Failed(f"{self.name}: the job is {details['state']}\n{self.get(f'/jobs/{job}/exceptions')}")
        self.check(job, load)
        measurement = Measurement(
            rows=load.rows,
            cpu_seconds=cpu_seconds,
            wall_seconds=details["duration"] / 1000,
            peak_bytes=sum(each.peak_bytes() for each in self.taskmanagers),
            checkpoints=self.get(f"/jobs/{job}/checkpoints")["counts"]["completed"],
        )
        # Slots are given back a moment after the end.
        if not wait_until(self.is_ready, START_SECONDS):
            raise Failed(f"{self.name}: the slots were not given back within {START_SECONDS} s")
        return measurement

    def cpu_seconds(self):
        return sum(each.cpu_seconds() for each in self.taskmanagers)

    def has_ended(self, job):
        # Asked for often, so the smallest answer there is. A job may be unknown for a moment after its submission.
        try:
            return self.get(f"/jobs/{job}/status")["status"] in ("FINISHED", "FAILED", "CANCELED")
        except urllib.error.HTTPError:
            return False

    def check(self, job, load):
        """Fails unless sources and windows saw all rows and ran on both TaskManagers."""
        counted = {}

        def is_complete():
            counted["written"], counted["read"] = self.row_counts(job)
            return counted["written"] == counted["read"] == load.rows

        # The last counts of a task may come after its end.
        if not wait_until(is_complete, COUNT_SECONDS):
            raise Failed(
                f"{self.name}: of {load.rows} rows the sources wrote {counted['written']} and the windows read {counted['read']}"
            )
        for vertex in self.get(f"/jobs/{job}")["vertices"]:
            subtasks = self.get(f"/jobs/{job}/vertices/{vertex['id']}")["subtasks"]
            places = {subtask["taskmanager-id"] for subtask in subtasks}
            if load.parallelism > 1 and len(places) != TASKMANAGERS:
                raise Failed(f"{self.name}: {vertex['name']} ran on {len(places)} TaskManager, not on {TASKMANAGERS}")

    def row_counts(self, job):
        """Rows written by the sources, rows read by the windows."""
        vertices = self.get(f"/jobs/{job}")["vertices"]
        source = next(vertex for vertex in vertices if vertex["name"].startswith("Source: points"))
        windows = next(vertex for vertex in vertices if vertex["name"].startswith("windows"))
        return source["metrics"]["write-records"], windows["metrics"]["read-records"]

    def end(self):
        for each in reversed(self.processes):
            each.end()
