# SPDX-License-Identifier: BSD-2-Clause
"""For test/t/view*.t: a board that runs short of memory and a recorded run, their pages by
tools/zonal-view, and what the board said in JSON, to hold these against."""
import functools
import json
import os
import subprocess
import tempfile

import browser

TIMEOUT = float(os.environ.get("BOOT_TIMEOUT", "300"))
FOLDER = tempfile.TemporaryDirectory(prefix="zonal-view-")
TYPES = "Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"
LAYERS = "used", "reserved", "later", "free"

# Short of memory in a second: a program that wants more than there is waits until it is ended.
COMMANDS = [f"contig alloc {pages} {nid}" for nid in (0, 1) for pages in (61440, 30720, 14336)] + [
    "alloc KERNEL 9", "alloc KERNEL|RECLAIMABLE 6", "alloc HIGHUSER_MOVABLE 10", "user start press 1500",
    f"user run press {90000 + (1 << 24)}", "compact", "contig alloc 1024", "set min_free_kbytes 250000", "free all"]


def path(name):
    return os.path.join(FOLDER.name, name)


def write(name, text):
    with open(path(name), "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path(name)


def view(*arguments, **options):
    return subprocess.run(["tools/zonal-view", *arguments], capture_output=True, text=True, timeout=TIMEOUT,
                          check=False, **options)


def page(name, text):
    """The page of a log, written."""
    done = view("-o", path(name + ".html"), "--perfetto", path(name + ".json"), write(name, text))
    if done.returncode or done.stderr:
        raise OSError(done.stderr)
    return path(name + ".html")


def boot(*command):
    environment = dict(os.environ, SHAPE="2n", EL="1", GIC="3", CPU="max")
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT, check=False)
    if done.returncode:
        raise OSError(f"{command[0]}: status {done.returncode}: {done.stdout[-500:]}{done.stderr}")
    return done.stdout.replace("\r", "")


def said(log, schema):
    found = [json.loads(line) for line in log.split("\n") if line.startswith("{")]
    return [record for record in found if record["schema"] == f"zonal.{schema}/1"]


@functools.cache
def board():
    """Its log, and where its page is."""
    log = boot("tools/run_view.sh", *COMMANDS)
    return log, page("board.log", log)


@functools.cache
def shown(step):
    return browser.tree(board()[1], f"step={step}")


def last():
    return len(COMMANDS)


def number(text):
    return int(text.replace(",", ""))


def table(element):
    return [[row[0], *map(number, row[1:])] for row in element.rows()[1:]]


def different(what, got, want):
    return [] if got == want else [f"{what}: the page {got}, the board {want}"]


def blocks_of(zone):
    """Of `map -j`: frame, type, and pages used, reserved, to come and free of each pageblock."""
    return [(pfn + 512 * n, TYPES.index(kind), used, reserved, later, free + listed)
            for pfn, blocks, kind, free, listed, used, reserved, later in zone["runs"] for n in range(blocks)]


def drawn(svg):
    return [tuple(int(g["data-" + key]) for key in ("pfn", "type", *LAYERS)) for g in svg.all("g", class_="block")]


@functools.cache
def recorded():
    """A record, and the board's map when it began and when it ended. Without boosts: kswapd takes one
    off when it comes to that, and the record ends there."""
    log = boot("tools/run_qemu.sh", "run=set+watermark_boost_factor+0;"
               f"record+start+{path('run.txt')};map+-j;alloc+KERNEL+3;"
               "alloc+HIGHUSER_MOVABLE+10+1;alloc+HIGHUSER_MOVABLE+9+1;probe+GFP_HIGHUSER_MOVABLE+8+0;alloc+ATOMIC+0;"
               "drain;map+-j;record+stop exit=semihosting")
    with open(path("run.txt"), encoding="ascii") as file:
        return file.read(), said(log, "map")
