"""Apache Flink: fetched from Maven Central, and run as the processes that its own scripts would start."""

import os
import pathlib
import re
import shutil
import subprocess

from cluster import OPTIONS, TASKMANAGERS, Cluster, Failed
from process import Process, free_ports

PROJECT = pathlib.Path(__file__).resolve().parent / "flink"
FETCH_SECONDS = 900
COMMAND_SECONDS = 120
LEAST_JAVA = 17
JOB_CLASS = "bettiflow.throughput.ThroughputJob"
# What Flink's own config.yaml has in env.java.opts.all.
EXPORTED = ("java.rmi/sun.rmi.registry", "java.security.jgss/sun.security.krb5")
OPENED = (
    *(f"java.base/java.{name}" for name in ("lang", "net", "io", "nio", "lang.reflect", "text", "time", "util")),
    *(f"java.base/java.util.concurrent{name}" for name in ("", ".atomic", ".locks")),
    "java.base/sun.nio.ch",
)
LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1} - %m%n
"""


class Unavailable(Exception):
    """Flink cannot be had or run on this machine; the message says why."""


def version():
    return re.search(r"<flink.version>(.*)</flink.version>", (PROJECT / "pom.xml").read_text())[1]


def java():
    """The `java` to use, and the line in which it says its version."""
    home = os.environ.get("JAVA_HOME")
    command = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if command is None:
        raise Unavailable("java was not found")
    line = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=30).stderr.splitlines()[0]
    found = re.search(r'"(\d+)', line)
    if found is None or int(found[1]) < LEAST_JAVA:
        raise Unavailable(f"Flink {version()} needs Java {LEAST_JAVA} or newer, found: {line}")
    return command, line


def fetch(cache):
    """Fetches Flink and builds the job; returns the folder of all jars. Costs nothing when it was done before."""
    java()
    folder = cache / f"flink-{version()}"
    done = folder / "built"
    sources = [path for path in PROJECT.rglob("*") if path.is_file()]
    if done.exists() and done.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return folder / "lib"
    if shutil.which("mvn") is None:
        raise Unavailable("mvn was not found; Flink is fetched with it")
    print(f"fetching Flink {version()} and building its job with mvn into {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["mvn", "-B", "-q", "-ntp", f"-Dmaven.repo.local={cache}/maven", f"-Dbuild.folder={folder}", "package"]
    try:
        built = subprocess.run(
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"mvn did not end within {FETCH_SECONDS} s") from None
    if built.returncode != 0:
        raise Unavailable("mvn failed:\n" + "\n".join((built.stdout + built.stderr).splitlines()[:10]))
    done.touch()
    return folder / "lib"


class Flink(Cluster):
    name = "Flink"

    def __init__(self, jars, folder, key_type, object_reuse):
        rpc, rest = free_ports(2)
        super().__init__(rest)
        self.jars, self.folder = jars, folder
        self.key_type, self.object_reuse = key_type, object_reuse
        self.environment = os.environ | {"FLINK_CONF_DIR": str(folder)}
        self.configure(rpc)
        self.start_all()

    def configure(self, rpc):
        options = OPTIONS | {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": rpc,
            "jobmanager.bind-host": "127.0.0.1",
            "jobmanager.memory.process.size": "1024m",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            # The hashmap backend keeps state on the heap; managed memory would lie idle.
            "taskmanager.memory.managed.fraction": 0.0,
            # Ours spreads a job over the TaskManagers too.
            "taskmanager.load-balance.mode": "SLOTS",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest,
            "execution.checkpointing.dir": f"file://{self.folder}/checkpoints",
            "io.tmp.dirs": f"{self.folder}",
            # The job is on the class path, so that what the JIT has learned of it lasts from run to run.
            "classloader.resolve-order": "parent-first",
        }
        (self.folder / "config.yaml").write_text("".join(f"{name}: {value}\n" for name, value in options.items()))
        (self.folder / "log4j2.properties").write_text(LOGGING)

    def java(self, main, *arguments, options=()):
        opened = [f"--add-exports={name}=ALL-UNNAMED" for name in EXPORTED]
        opened += [f"--add-opens={name}=ALL-UNNAMED" for name in OPENED]
        logging = f"-Dlog4j.configurationFile=file:{self.folder}/log4j2.properties"
        return [java()[0], *opened, logging, *options, "-cp", f"{self.jars}/*", main, *arguments]

    def call(self, main, *arguments):
        """Runs a command of Flink to its end and returns what it prints."""
        answer = subprocess.run(
            self.java(main, *arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if answer.returncode != 0:
            raise Failed(f"Flink's {main} failed:\n{answer.stdout[-3000:]}{answer.stderr[-3000:]}")
        return answer.stdout

    def memory(self, role):
        """JVM options and dynamic options for a process, worked out as by Flink's start scripts."""
        printed = self.call(
            "org.apache.flink.runtime.util.bash.BashJavaUtils", f"GET_{role}_RESOURCE_PARAMS", "--configDir", str(self.folder)
        )
        jvm, dynamic = re.findall(r"BASH_JAVA_UTILS_EXEC_RESULT:(.*)", printed)
        return jvm.split(), dynamic.split()

    def start_all(self):
        runtime = "org.apache.flink.runtime"
        jvm, dynamic = self.memory("JM")
        self.start("jobmanager", f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint", jvm, dynamic)
        jvm, dynamic = self.memory("TM")
        for number in range(1, TASKMANAGERS + 1):
            # G1 is what Flink's taskmanager.sh asks for.
            options = [*jvm, "-XX:+UseG1GC"]
            self.start(f"taskmanager-{number}", f"{runtime}.taskexecutor.TaskManagerRunner", options, dynamic)

    def start(self, name, main, options, dynamic):
        command = self.java(main, "--configDir", str(self.folder), *dynamic, options=options)
        self.processes.append(Process(f"flink-{name}", command, self.folder / f"{name}.log", self.environment))

    def submit(self, load):
        options = {
            "rows": load.rows,
            "keys": load.keys,
            "window-seconds": load.window_seconds,
            "parallelism": load.parallelism,
            "key-type": self.key_type,
            "object-reuse": str(self.object_reuse).lower(),
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        printed = self.call(
            "org.apache.flink.client.cli.CliFrontend",
            "run", "--detached", "--class", JOB_CLASS, f"{self.jars}/throughput.jar", *arguments,
        )  # fmt: skip
        return re.search(r"submitted with JobID ([0-9a-f]{32})", printed)[1]
