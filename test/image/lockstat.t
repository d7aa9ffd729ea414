#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Do cores wait for each other? In the image that counts locks, on boards of 2, 4 and 8 nodes and
on two nodes of 8 cores: none that uses its own node waits, and pages of order 0 from one node for
all its cores take its lock at most once a batch."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test"))
import board  # noqa: E402
from selection import run_cases  # noqa: E402

os.chdir(ROOT)
O = os.environ.get("O", "build")
COUNTS = os.path.join(O, "lockstat")
CORES = {"2n": 4, "4n": 8, "8n": 16, "16c": 16}
# Two cores of a node share its locks, and the host may stop the thread of one that holds a lock: so
# all cores are on one thread, as they are on boards of more cores anyway (tools/run_qemu.sh).
ONE_THREAD = ("-accel", "tcg,thread=single")
# A worker is made, ends, and begins with lists that are not empty.
SLACK = 8


def boot(shape, *commands, image=COUNTS):
    return board.run(shape, list(commands), *ONE_THREAD, O=image)


def contention(shape):
    """Faults of one board."""
    status, lines = boot(shape, "bench contention -j", "check")
    by_name = {record["name"]: record
               for record in board.by_schema(lines).get("zonal.bench/1", [])}
    if status != 0 or sorted(by_name) != ["contention-free", "contention-own", "contention-take"]:
        return [f"{shape}: status {status}", *lines[-20:]]
    own = by_name["contention-own"]
    faults = [f"{shape}: {record}" for record in by_name.values()
              if record["cores"] != CORES[shape] or record["lost"] or not record["held"]]
    if own["waited"] or own["taken"] < own["ops"] / 4:
        faults.append(f"{shape}: cores wait on nodes of their own: {own}")
    for part in ("take", "free"):
        record = by_name[f"contention-{part}"]
        if not 0 < record["taken"] <= record["ops"] / record["batch"] + SLACK * record["cores"]:
            faults.append(f"{shape}: more than one lock a batch: {record}")
    return faults


def cores_on_their_own_nodes_do_not_wait_and_a_batch_takes_one_lock():
    return [fault for shape in CORES for fault in contention(shape)]


def the_monitor_shows_who_took_which_lock():
    status, lines = boot("2n", "lockstat reset", "alloc GFP_KERNEL 4 1", "free all", "lockstat",
                         "lockstat -j", "lockstat maybe")
    ways = board.by_schema(lines)["zonal.lockstat/1"][0]["ways"]
    zone = [way for way in ways if way["lock"].startswith("zone 1 ")]
    faults = [] if status == 1 and "lockstat: maybe: only reset is known" in lines else [status]
    if len(zone) < 2 or any(way["taken"] < 1 or way["waited"] or way["most"] > way["held"]
                            for way in zone):
        faults.append(json.dumps(ways))
    if any("?" in way["path"] for way in ways) or len(ways) != len({(w["lock"], w["path"])
                                                                     for w in ways}):
        faults.append(json.dumps(ways))
    shown = [line for line in lines if re.match(r"zone 1 \w+ +\w+ +\d+ +0 +\d+ +\d+$", line)]
    return faults if len(shown) >= 2 else faults + lines


def an_image_that_does_not_count_says_where_one_is():
    status, lines = boot("2n", "lockstat", "bench contention", image=O)
    says = ["lockstat: this image does not count locks: make build/lockstat/zonal.img",
            "contention needs an image that counts locks (ZONAL_LOCKSTAT=1): left out"]
    return [] if status == 1 and all(line in lines for line in says) else lines


CASES = [cores_on_their_own_nodes_do_not_wait_and_a_batch_takes_one_lock,
         the_monitor_shows_who_took_which_lock, an_image_that_does_not_count_says_where_one_is]

if __name__ == "__main__":
    sys.exit(run_cases("lockstat", CASES, (AssertionError, subprocess.TimeoutExpired, OSError,
                                           KeyError, IndexError)))
