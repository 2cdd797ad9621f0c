"""Processes that are measured: their CPU time and their memory, as Linux counts them in /proc."""

import os
import pathlib
import socket
import subprocess
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
TERMINATION_SECONDS = 10


class Process:
    """A server with its log; it ends with the `with` block of the cluster that owns it."""

    def __init__(self, name, command, log, environment=None):
        self.name = name
        self.log = pathlib.Path(log)
        with open(self.log, "wb") as output:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
            )

    @property
    def pid(self):
        return self.child.pid

    def has_ended(self):
        return self.child.poll() is not None

    def end_of_log(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def cpu_seconds(self):
        """User and system time of all threads since the start; its unit is a tick, mostly 10 ms."""
        # The name in parentheses may hold blanks; utime and stime are the 14th and 15th field of all.
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def forget_peak(self):
        """From now on `peak_bytes` is the peak since now."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"{self.name} has no VmHWM in /proc/{self.pid}/status")

    def end(self):
        if self.has_ended():
            return
        self.child.terminate()
        try:
            self.child.wait(TERMINATION_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def free_ports(count):
    """Ports of loopback that nobody listens on; all are held until all are found, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_until(condition, seconds, interval=0.1):
    """Whether `condition` came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True
