"""What the tests of kindredd's life and of its units share: the programs, run as a user or systemd
would, and a folder that goes with its test."""

import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["KIN_TEST_BIN_DIR"])
SOURCE = pathlib.Path(os.environ["KIN_TEST_SOURCE_DIR"])
SECONDS = 120  # that anything may take at most


def environment(**more):
    """Ours, without what would steer the programs."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("KINDRED_", "KINDREDD_")) and
            name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM")}
    return {**kept, **more}


def run(program, *arguments, env=None, **more):
    return subprocess.run([BIN / program, *map(str, arguments)], env=env or environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=SECONDS, **more)


def wait_until(condition, what):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"{what} did not come about")


def journal_stream(file):
    """$JOURNAL_STREAM as systemd sets it for a program that writes to this file."""
    status = os.fstat(file.fileno())
    return f"{status.st_dev}:{status.st_ino}"


class Manager:
    """The side of the service manager that programs notify (sd_notify(3))."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(SECONDS)

    def next(self):
        """The next message as a dictionary."""
        lines = self.socket.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def next_with(self, name):
        """The next one that has this field."""
        while True:
            message = self.next()
            if name in message:
                return message

    def close(self):
        self.socket.close()


class FolderCase(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kindred-service-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
