#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""gdb on a board that stands still: what tools/zonal-gdb.py reads out of memory is what the same
board's monitor said before, and says again when it runs on; on a panic it is what the panic said.

A board at its prompt does nothing of itself with the pages of a zone once per-CPU lists are
drained. Should it have done something all the same, the monitor's two answers differ, and the
comparison is made again.
"""
import functools
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test"))
from board import PROMPT, TIMEOUT, Board, by_schema  # noqa: E402
from selection import run_cases  # noqa: E402

BUILD = os.environ.get("O", "build")
TRIES = 5


def gdb(socket, *commands):
    """What gdb prints on the board behind the socket, after each command a line `-- command`."""
    words = ["gdb-multiarch", "-nx", "-q", "-batch", f"{BUILD}/zonal.elf", "-iex", "set pagination off",
             "-ex", "set confirm off", "-ex", "source tools/zonal-gdb.py",
             "-ex", f"target remote {socket}"]
    for command in commands:
        words += ["-ex", f"echo -- {command}\\n", "-ex", command]
    done = subprocess.run(words + ["-ex", "detach"], cwd=ROOT, capture_output=True, text=True,
                          timeout=TIMEOUT)
    parts = re.split(r"^-- (.*)\n", done.stdout, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2])), done.stderr


class Stopped:
    """A board at its prompt, and the way for gdb to it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="zonal-gdb.")
        self.socket = os.path.join(self.folder.name, "gdb")
        self.board = Board("2n", "page_owner=on", "-gdb", f"unix:{self.socket},server=on,wait=off")
        deadline = time.monotonic() + TIMEOUT
        self.board.read_until(b"1. The board", deadline)
        self.board.type(b"\003")  # the demonstration is not what is looked at
        self.board.read_until(PROMPT, deadline)
        self.board.type(b"echo ready\r")
        if not self.board.read_until(b"\r\nready\r\n" + PROMPT, deadline):
            raise ValueError("no prompt")

    def say(self, commands):
        """Lines that the monitor prints to them."""
        start = len(self.board.seen)
        self.board.type(commands.encode() + b"\r")
        if not self.board.read_until(b"\r\n" + PROMPT, time.monotonic() + TIMEOUT):
            raise ValueError(f"no prompt after {commands}")
        return self.board.seen[start:].decode().replace("\r", "").split("\n")[1:-1]

    def end(self):
        self.board.type(b"quit\r")
        status, _ = self.board.end()
        self.folder.cleanup()
        return status


ASKED = "zoneinfo -j;pagetypeinfo -j;map -j;zoneinfo;page_owner {pfn}"
COMMANDS = ("zonal zones", "zonal free 0", "zonal free 1", "zonal pcp", "zonal tasks", "zonal locks",
            "zonal check")


@functools.cache
def looked():
    """What the monitor and gdb say of the same moment."""
    board = Stopped()
    lines = board.say("drain;alloc KERNEL 9 0;alloc KERNEL|RECLAIMABLE 2 1;alloc KERNEL 0")
    pfn = int(next(re.match(r"pfn 0x([0-9a-f]+) order 9", line)[1] for line in lines
                   if "order 9" in line), 16)
    asked = ASKED.format(pfn=hex(pfn))
    tasks = by_schema(board.say("tasks -j"))["zonal.tasks/1"][0]["tasks"]
    for _ in range(TRIES):
        before = board.say(asked)
        said, errors = gdb(board.socket, *COMMANDS, f"zonal page {pfn:#x}",
                           f"zonal page {0xffff000000000000 + (pfn + 3) * 4096:#x}",
                           f"zonal page {pfn * 4096:#x}", "zonal page 0x123456789abc000", "zonal free 7")
        if board.say(asked) == before:
            break
    free = by_schema(before)["zonal.zoneinfo/1"][0]["zones"][0]["free"]
    word = f"*(unsigned *)&((struct page *)(zonal_image.section[{pfn >> 15}]) + {pfn})->word"
    damaged, _ = gdb(board.socket, f"set var zonal_image.zone[0]->free = {free + 1}", "zonal check",
                     f"set var zonal_image.zone[0]->free = {free}",
                     f"set var {word} = {word} - 0x100", "zonal check ",
                     f"set var {word} = {word} + 0x100")
    again = board.say("check")
    return {"said": said, "errors": errors, "text": before, "json": by_schema(before), "pfn": pfn,
            "tasks": tasks, "damaged": damaged, "again": again, "status": board.end()}


def zones_are_those_of_the_monitor():
    look = looked()
    rows = [line.split() for line in look["said"]["zonal zones"].split("\n")[1:] if line]
    got = [(int(r[0]), r[1], int(r[2], 16), *map(int, r[3:11]), r[11]) for r in rows]
    want = [(z["node"], z["zone"], z["start_pfn"], z["present"], z["managed"], z["free"], z["min"],
             z["low"], z["high"], z["boost"], z["free_cma"], "free")
            for z in look["json"]["zonal.zoneinfo/1"][0]["zones"]]
    return [] if got == want else [f"gdb {got}", f"monitor {want}"]


def free_lists_are_those_of_the_monitor():
    look, bad = looked(), []
    for zone in look["json"]["zonal.pagetypeinfo/1"][0]["zones"]:
        text = look["said"][f"zonal free {zone['node']}"]
        for kind, want in zone["free"].items():
            row = re.search(rf"^  {kind.lower()} +([\d ]+)$", text, re.M)
            got = list(map(int, row[1].split())) if row else None
            bad += [f"node {zone['node']} {kind}: gdb {got}, monitor {want}"] if got != want else []
        bad += [text] if "does not belong" in text or "its count" in text else []
    return bad + ([] if "node 7 has no memory" in look["errors"] else ["node 7 is not refused"])


def per_cpu_lists_are_those_of_the_monitor():
    look, want, node = looked(), {}, None
    for line in look["text"]:
        match = re.match(r"Node (\d+), zone|    cpu: (\d+)|              count: (\d+)", line)
        if match and match[1]:
            node = int(match[1])
        elif match and match[2]:
            cpu = int(match[2])
        elif match:
            want[cpu, node] = int(match[3])
    rows = [line.split() for line in look["said"]["zonal pcp"].split("\n")[1:] if line]
    got = {(int(r[0]), int(r[1])): int(r[3]) for r in rows}
    lists = sum(sum(map(int, r[6:9])) for r in rows)
    bad = [] if got == want else [f"gdb {got}, monitor {want}"]
    if not lists or lists != sum(want.values()):
        bad.append(f"{lists} pages in the lists, {sum(want.values())} counted")
    return bad


def tasks_are_those_of_the_monitor_and_have_backtraces():
    look = looked()
    text = look["said"]["zonal tasks"]
    got = re.findall(r'^task (\d+) "(.*)" cpu', text, re.M)
    want = [(str(t["id"]), t["name"]) for t in look["tasks"]]
    bad = [] if got == want else [f"gdb {got}, monitor {want}"]
    for name, function in ("kswapd0", "background_sleep at platform/kswapd.c:"), \
            ("kswapd1", "sched_task_entry at sched/sched.c:"), \
            ("main", "monitor_loop at monitor/monitor.c:"), ("main", "boot_high at arch/arm64/boot/start.S:"):
        part = re.search(rf'^task \d+ "{name}".*\n((?:    #.*\n)+)', text, re.M)
        if not part or function not in part[1]:
            bad.append(f"{name} is not in {function}: {part and part[0]}")
    return bad


def a_page_has_state_owner_block_and_neighbours():
    look = looked()
    pfn = look["pfn"]
    texts = [text for command, text in look["said"].items() if command.startswith("zonal page")]
    runs = {start + n * 512: kind for zone in look["json"]["zonal.map/1"][0]["zones"]
            for start, blocks, kind, *_ in zone["runs"] for n in range(blocks)}
    taken = re.search(r"by task (\d+)", "\n".join(look["text"]))
    want = [rf"^  state      used, block {pfn:#x} to {pfn + 511:#x}, order 9, used$",
            r"^  zone       node 0 DMA$", rf"^  pageblock  {pfn:#x}, {runs[pfn].lower()}$",
            r"^  in use     1 references, mapped 0 times, flags none,",
            r"^  taken      gfp 0x[0-9a-f]+ by task " + (taken[1] if taken else r"\d+") + ",",
            rf"^  buddy      {pfn ^ 512:#x} "]
    bad = [f"no match: {p}\n{texts[0]}" for p in want if not re.search(p, texts[0], re.M)]
    if texts[2] != texts[0] or f"pfn {pfn + 3:#x}," not in texts[1] \
            or "inner, block" not in texts[1]:
        bad.append(f"by its address it is {texts[1:3]}")
    return bad + ([] if "is no frame number" in look["errors"] else ["a wild address is not refused"])


def no_lock_is_held_at_the_prompt_and_all_is_well():
    look, bad = looked(), []
    if not re.fullmatch(r"0 of \d\d locks are held\n", look["said"]["zonal locks"]):
        bad.append(look["said"]["zonal locks"])
    if not re.fullmatch(r"check: \d+ pages, every invariant holds\n", look["said"]["zonal check"]):
        bad.append(look["said"]["zonal check"])
    if look["again"][-1:] != ["check: every invariant holds"] or look["status"]:
        bad.append(f"afterwards: {look['again']}, status {look['status']}")
    return bad


def check_names_what_is_damaged():
    damaged = looked()["damaged"]
    free = next(z["free"] for z in looked()["json"]["zonal.zoneinfo/1"][0]["zones"])
    want = f"node 0 DMA: free is {free + 1}, the lists hold {free}\ncheck: 1 faults\n"
    bad = [] if damaged["zonal check"] == want else [damaged["zonal check"]]
    # The block of 512 pages says that it has 256.
    want = "node 0 DMA: 256 pages are inside of no block\ncheck: 1 faults\n"
    return bad + ([] if damaged["zonal check "] == want else [damaged["zonal check "]])


def a_panic_is_looked_at_through_make_gdb():
    arguments = " ".join(f"-ex '{c}'" for c in (
        "zonal zones", "hbreak platform_exit", "continue", "echo -- zones\\n", "zonal zones", "echo -- locks\\n",
        "zonal locks", "echo -- tasks\\n", "zonal tasks", "echo -- check\\n", "zonal check", "echo -- end\\n"))
    done = subprocess.run(["tools/gdb.sh"], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT,
                          env=dict(os.environ, SHAPE="2n", EL="1", GIC="3", CPU="max",
                                   BOOTARGS="run=crash+lock exit=semihosting", GDB_ARGS="-batch " + arguments))
    parts = re.split(r"^-- (.*)\n", done.stdout, flags=re.M)
    said = dict(zip(parts[1::2], parts[2::2]))
    with open(os.path.join(ROOT, BUILD, "logs/gdb.log"), errors="replace") as file:
        log = file.read().replace("\r", "")
    bad = [] if "the MMU of this core is off yet" in done.stderr else ["before the MMU: " + done.stderr]
    got = re.findall(r"^ +(\d) DMA +\S+ +\d+ +(\d+) +(-?\d+) +(\d+)", said["zones"], re.M)
    want = re.findall(r"^Node (\d) DMA free:(-?\d+) min:(\d+) .* managed:(\d+)", log, re.M)
    if not want or [(n, f, m, a) for n, a, f, m in got] != want:
        bad.append(f"gdb {got}, the panic {want}")
    if not re.search(r"^held +the page tables\n1 of \d\d locks are held$", said["locks"], re.M):
        bad.append(said["locks"])
    if not re.search(r'^task \d+ "main".*running\n(    #.*\n)*    #.* arm64_exception at .*\n(    #.*\n)*'
                     r"    #.* arm64_crash at monitor/crash.c:", said["tasks"], re.M):
        bad.append(said["tasks"])
    if not re.search(r"every invariant holds", said["check"]):
        bad.append(said["check"])
    return bad


CASES = [zones_are_those_of_the_monitor, free_lists_are_those_of_the_monitor,
         per_cpu_lists_are_those_of_the_monitor, tasks_are_those_of_the_monitor_and_have_backtraces,
         a_page_has_state_owner_block_and_neighbours, no_lock_is_held_at_the_prompt_and_all_is_well,
         check_names_what_is_damaged, a_panic_is_looked_at_through_make_gdb]

sys.exit(run_cases("gdb", CASES, (KeyError, ValueError, IndexError, StopIteration)))
