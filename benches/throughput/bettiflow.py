"""Our own cluster, of release binaries."""

import json
import pathlib
import subprocess

from cluster import OPTIONS, TASKMANAGERS, Cluster, Failed
from process import Process, free_ports

JOB = pathlib.Path(__file__).resolve().parents[2] / "jobs" / "throughput.toml"
SUBMIT_SECONDS = 60


class Bettiflow(Cluster):
    name = "Bettiflow"

    def __init__(self, binaries, folder):
        self.rpc, rest = free_ports(2)
        super().__init__(rest)
        self.binaries = pathlib.Path(binaries)
        for binary in ("jobmanager", "taskmanager", "submit-job"):
            if not (self.binaries / binary).exists():
                raise Failed(f"{self.binaries / binary} is missing; leave out --skip-build")
        configuration = self.configure(folder)
        self.start("jobmanager", "jobmanager", configuration, folder)
        for number in range(1, TASKMANAGERS + 1):
            self.start(f"taskmanager-{number}", "taskmanager", configuration, folder)

    def configure(self, folder):
        options = OPTIONS | {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": self.rpc,
            "rest.port": self.rest,
            "execution.checkpointing.dir": f"file://{folder}/checkpoints",
            "io.tmp.dirs": f"{folder}",
        }
        file = folder / "flink-conf.yaml"
        file.write_text("".join(f"{name}: {value}\n" for name, value in options.items()))
        return file

    def start(self, name, binary, configuration, folder):
        command = [self.binaries / binary, "--config", configuration]
        self.processes.append(Process(name, command, folder / f"{name}.log"))

    def submit(self, load):
        parameters = {"rows": load.rows, "keys": load.keys, "window_size": f"{load.window_seconds}s"}
        command = [self.binaries / "submit-job", "--job", JOB, "--detached", "--output", "json"]
        command += ["--jobmanager", f"127.0.0.1:{self.rpc}", "--parallelism", str(load.parallelism)]
        for name, value in parameters.items():
            command += ["--set", f"{name}={value}"]
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SUBMIT_SECONDS)
        if answer.returncode != 0:
            raise Failed(f"submit-job failed: {answer.stdout}{answer.stderr}")
        return json.loads(answer.stdout)["job_id"]
