# SPDX-License-Identifier: BSD-2-Clause
"""For the scripts in Python: a boot of the image with its console on pipes, and what it printed."""
import json
import os
import select
import subprocess
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
TIMEOUT = float(os.environ.get("BOOT_TIMEOUT", "300"))
PROMPT = b"zonal> "


class Board:
    """One boot with its console on pipes."""

    def __init__(self, shape, bootargs, *qemu, **variables):
        """`variables` are those of tools/run_qemu.sh, as DISK."""
        environment = dict(os.environ, SHAPE=shape, EL="1", GIC="3", CPU="max", **variables)
        self.process = subprocess.Popen(
            ["tools/run_qemu.sh", bootargs + " exit=semihosting", *qemu], cwd=ROOT, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self.seen = b""

    def read_until(self, mark, deadline):
        """Read until `mark` is there (None: the end). Returns whether it came."""
        start = len(self.seen)
        while mark is None or mark not in self.seen[start:]:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return False
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return mark is None
            self.seen += data
        return True

    def type(self, keys):
        self.process.stdin.write(keys)

    def end(self):
        """Exit status, and the console's lines without carriage returns."""
        self.process.stdin.close()
        if not self.read_until(None, time.monotonic() + TIMEOUT):
            self.process.kill()
        status = self.process.wait()
        return status, self.seen.decode(errors="replace").replace("\r", "").split("\n")


def run(shape, commands, *qemu, **variables):
    return Board(shape, "run=" + ";".join(commands).replace(" ", "+"), *qemu, **variables).end()


def by_schema(lines):
    found = {}
    for line in lines:
        if line.startswith("{"):
            record = json.loads(line)
            found.setdefault(record["schema"], []).append(record)
    return found
