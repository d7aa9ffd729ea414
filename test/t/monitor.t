#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The monitor from outside: boots the image, runs its commands, reads what they print.

JSON must parse, have its schema, and agree with the board and with other commands;
text has the layout of /proc; a mistake gets one line and exit status 1; a terminal
edits, remembers and gives lines up; the demonstration passes on odd boards.
"""
import functools
import json
import os
import re
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test"))
from board import PROMPT, TIMEOUT, Board, by_schema, run  # noqa: E402
from selection import run_cases  # noqa: E402


def pages(nr_free):
    return sum(count << order for order, count in enumerate(nr_free))


# ---- one boot for all JSON forms ---------------------------------------------------------

REPORTS = ["topology", "zoneinfo", "buddyinfo", "pagetypeinfo", "vmstat", "numastat", "limits",
           "meta", "why", "set", "check", "tasks", "boottime", "map"]


@functools.cache
def json_boot():
    status, lines = run("2n", ["drain"] + [name + " -j" for name in REPORTS] +
                        ["probe -j NOWAIT 0 1", "alloc NOWAIT 10 9", "why -j", "bench -j pair.?",
                         "drain", "zoneinfo -j"])
    return status, lines, by_schema(lines)


def of_json_boot(case):
    """The case as one without arguments: all of these judge the same boot."""
    @functools.wraps(case)
    def judge():
        return case(json_boot())
    return judge


def json_has_every_schema(boot):
    _, _, found = boot
    names = ["tunables" if name == "set" else name for name in REPORTS] + ["probe", "bench"]
    return [f"no line of zonal.{name}/1" for name in names if f"zonal.{name}/1" not in found]


def zoneinfo_agrees_with_the_board_and_itself(boot):
    zones = boot[2]["zonal.zoneinfo/1"][0]["zones"]
    keys = {"node", "zone", "start_pfn", "spanned", "present", "managed", "free", "min", "low", "high",
            "boost", "lowmem_reserve", "pcp_batch", "pcp_high", "stat_threshold", "free_cma",
            "reserved_highatomic", "highatomic_blocks", "nr_free"}
    bad = []
    if [(z["node"], z["zone"], z["start_pfn"], z["present"]) for z in zones] != [
            (0, "DMA", 0x40000, 131072), (1, "DMA", 0x60000, 131072)]:
        bad.append("zones are not those of the board")
    for z in zones:
        if set(z) != keys:
            bad.append(f"keys differ: {set(z) ^ keys}")
        if pages(z["nr_free"]) != z["free"]:
            bad.append(f"node {z['node']}: nr_free is {pages(z['nr_free'])} pages, free {z['free']}")
        if not 0 < z["min"] < z["low"] < z["high"] < z["managed"] < z["present"]:
            bad.append(f"node {z['node']}: marks are out of order")
    return bad


def lists_agree(boot):
    found = boot[2]
    buddy = {z["node"]: z["nr_free"] for z in found["zonal.buddyinfo/1"][0]["zones"]}
    bad = []
    for z in found["zonal.pagetypeinfo/1"][0]["zones"]:
        total = [sum(column) for column in zip(*z["free"].values())]
        if total != buddy[z["node"]]:
            bad.append(f"node {z['node']}: pagetypeinfo {total}, buddyinfo {buddy[z['node']]}")
        if sum(z["blocks"].values()) != 256:
            bad.append(f"node {z['node']}: {sum(z['blocks'].values())} pageblocks of 256")
    return bad


def map_agrees_with_the_zones(boot):
    """Each page of a zone is in its runs once; per-CPU lists may give back between two commands."""
    found = boot[2]
    zones = {z["node"]: z for z in found["zonal.zoneinfo/1"][0]["zones"]}
    types = {z["node"]: z["blocks"] for z in found["zonal.pagetypeinfo/1"][0]["zones"]}
    picture = found["zonal.map/1"][0]
    bad = []
    for part in picture["zones"]:
        zone, blocks = zones[part["node"]], dict.fromkeys(types[part["node"]], 0)
        runs = [dict(zip(picture["fields"], run)) for run in part["runs"]]
        total = {key: sum(r["blocks"] * r[key] for r in runs)
                 for key in ("free", "pcp", "used", "reserved", "later")}
        for r in runs:
            blocks[r["type"]] += r["blocks"]
        if abs(total["free"] - zone["free"]) > 4 * zone["pcp_high"] or total["later"] \
                or total["free"] + total["pcp"] + total["used"] != zone["managed"] \
                or sum(total.values()) != zone["present"]:
            bad.append(f"node {part['node']}: map {total}, zone {zone}")
        if blocks != types[part["node"]]:
            bad.append(f"node {part['node']}: types {blocks}, pagetypeinfo {types[part['node']]}")
    return bad + ([] if len(picture["zones"]) == len(zones) else [f"{len(picture['zones'])} zones"])


def counters_agree(boot):
    found = boot[2]
    vmstat, nodes = found["zonal.vmstat/1"][0], found["zonal.numastat/1"][0]["nodes"]
    bad = []
    for key, column in ("numa_hit", "numa_hit"), ("numa_miss", "numa_miss"), \
            ("numa_local", "local_node"), ("numa_other", "other_node"):
        if vmstat[key] != sum(node[column] for node in nodes):
            bad.append(f"{key}: vmstat {vmstat[key]}, numastat {[n[column] for n in nodes]}")
    if vmstat["numa_hit"] + vmstat["numa_miss"] != vmstat["numa_local"] + vmstat["numa_other"]:
        bad.append("hits and misses are not local and other")
    return bad


def probe_has_the_form_of_the_recorded_cases(boot):
    probe = boot[2]["zonal.probe/1"][0]
    with open(os.path.join(ROOT, "test/oracle/probe-p1-2n.json")) as file:
        model = json.load(file)["cases"][0]
    bad = [f"key {key} is missing" for key in model if key not in probe]
    for part in "before", "after":
        bad += [f"{part}: key {key} is missing" for key in model[part][0] if key not in probe[part][0]]
    taken = sum(blocks for _, _, blocks in probe["runs"])
    free = [sum(z["free"] for z in probe[part]) for part in ("before", "after")]
    listed = sum(z["pcp"] for z in probe["after"])
    if probe["runs"][0][0] != 1 or not free[0] - free[1] - listed <= taken <= free[0] - free[1] + 1000:
        bad.append(f"runs {probe['runs']}, free {free}, listed {listed}")
    return bad


def why_explains_the_failure_before_it(boot):
    first, second = boot[2]["zonal.why/1"]
    bad = []
    # The probe ended in a failure; the wrong node of `alloc` was refused before it was a request.
    if first["serial"] != 0 or second["serial"] == 0:
        bad.append(f"serials {first['serial']} and {second['serial']}")
    if second["gfp"] != "GFP_NOWAIT|__GFP_NOWARN" or not second["zones"]:
        bad.append(f"request {second['gfp']}, zones {second['zones']}")
    # Somebody else may have been at the last page of one of them.
    short = [z for z in second["zones"] if z["refusal"] == "below watermark" and z["short_pages"] > 0]
    if not short or any(z["refusal"] not in ("below watermark", "taken meanwhile")
                        for z in second["zones"]):
        bad.append(f"refusals {second['zones']}")
    return bad


def bench_prints_one_object_a_line(boot):
    rows = boot[2]["zonal.bench/1"]
    got = [(r["name"], r["order"], r["ops"]) for r in rows]
    bad = [] if got == [("pair", order, 20000) for order in range(10)] else [f"rows {got}"]
    return bad + [f"{r['name']} {r['order']} takes no time" for r in rows if r["ns_per_op"] <= 0]


def all_pages_come_back(boot):
    first, last = (sum(z["free"] for z in info["zones"]) for info in boot[2]["zonal.zoneinfo/1"])
    # Both times the per-CPU lists were drained before.
    return [] if first == last else [f"{first} pages were free, now {last}"]


def a_failed_command_is_the_exit_status(boot):
    status, lines, _ = boot
    bad = [] if status == 1 else [f"status {status}"]
    if "alloc: 9: no such node on this board" not in lines:
        bad.append("alloc on a node that is not there was not named")
    return bad


# ---- boots of their own ------------------------------------------------------------------

def good_commands_end_with_status_0():
    status, lines = run("2n", ["echo all good", "check", "alloc KERNEL 3", "free all", "help"])
    bad = [] if status == 0 else [f"status {status}"]
    for line in "all good", "check: every invariant holds", "1 blocks given back":
        if line not in lines:
            bad.append(f"missing: {line}")
    summaries = ["this list, or more on one command", "give the per-CPU lists back",
                 "print the words", "turn the board off"]
    columns = [line.index(text) for text in summaries for line in lines if line.endswith("  " + text)]
    return bad + ([] if len(columns) == 4 and len(set(columns)) == 1 else [f"help: columns {columns}"])


def mistakes_get_one_line_each_and_the_rest_runs():
    status, lines = run("uma", ["nonsense", "zoneinfo 3", "help -j", "free 1", "set speed 9",
                                "test no.such.test", "bench nothing", "echo still here"])
    want = ["nonsense: no such command; help lists them",
            "zoneinfo: 1 arguments, usage: zoneinfo [-j]",
            "help: has no JSON form (-j)",
            "free: usage: free PFN ORDER, or free all",
            "bench: nothing: no case of that name", "still here"]
    bad = [f"missing: {line}" for line in want if line not in lines]
    return bad + ([] if status == 1 else [f"status {status}"])


def text_has_the_layout_of_proc():
    _, lines = run("4n", ["buddyinfo", "pagetypeinfo", "zoneinfo", "vmstat", "numastat"])
    text = "\n".join(lines)
    patterns = [
        r"^Node 3, zone      DMA (?: *\d+ ){11}$",
        r"^Page block order: 9\nPages per block:  512\n\n"
        r"Free pages count per migrate type at order       0      1 ",
        r"^Node    2, zone      DMA, type  Reclaimable (?:[ >]*\d+ ){11}$",
        r"^Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic ",
        r"^Node 1, zone      DMA\n  pages free     \d+\n",
        r"^        managed  \d+\n        protection: \(0, 0, 0, 0\)\n",
        r"^    cpu: 7\n              count: \d+\n              high:  \d+\n              batch: \d+$",
        r"^nr_free_pages \d+$", r"^pgalloc_dma \d+$", r"^pgfree \d+$",
        r"^ +node0 +node1 +node2 +node3\nnuma_hit +\d+ +\d+ +\d+ +\d+$",
    ]
    return [f"no match: {p}" for p in patterns if not re.search(p, text, re.M)]


def terminal_edits_remembers_and_gives_up():
    board = Board("2n", "")
    keys = [
        b"exo typed\033[H\033[C\033[C\010ch\005\r",  # the x becomes ch
        b"echo first;echo second\r",
        b"echo third\r",
        b"\033[A\033[A\r",       # the line before the last one
        b"echo never\003",       # ^C
        b"echo one two\027three\r",
        b"nonsense\r",
    ]
    deadline = time.monotonic() + TIMEOUT
    bad = []
    if not board.read_until(PROMPT, deadline):
        bad.append("no prompt")
    for line in keys:
        if bad:
            break
        board.type(line)
        ends = b"\r\n" + PROMPT
        if not board.read_until(ends, deadline) and not board.read_until(PROMPT, deadline):
            bad.append(f"no prompt after {line!r}")
    board.type(b"poweroff\r")
    status, lines = board.end()
    text = "\n".join(lines)
    for want, times in ("typed", 1), ("first", 2), ("second", 2), ("third", 1), ("one three", 1), ("never", 0), \
            ("nonsense: no such command; help lists them", 1):
        if lines.count(want) != times:
            bad.append(f"{want!r} is there {lines.count(want)} times, not {times}")
    if "demo: passed" not in text:
        bad.append("the demonstration did not pass")
    return bad + ([] if status == 0 else [f"status {status}"])


def terminal():
    """A board at its prompt."""
    board = Board("2n", "")
    if not board.read_until(PROMPT, time.monotonic() + TIMEOUT):
        raise ValueError("no prompt")
    return board


def pasted_lines_run_all_and_whole():
    # More than the ring and the FIFO hold, sent while a command runs: the sender must wait.
    board = terminal()
    want = [f"line {n} of a long text that is pasted as a whole" for n in range(300)]
    board.type(b"bench pair.0\r" + "".join(f"echo {line}\r" for line in want).encode())
    if not board.read_until(b"\r\n" + want[-1].encode(), time.monotonic() + TIMEOUT):
        return ["the last line was not run"]
    board.type(b"quit\r")
    status, lines = board.end()
    bad = [f"'{line}' is there {lines.count(line)} times" for line in want if lines.count(line) != 1]
    return bad[:5] + ([] if status == 0 else [f"status {status}"])


def control_c_stops_every_long_command():
    board = terminal()
    bad = []
    for command, says in ("test", b"# stopped after "), ("bench", b"^C"), ("demo", b"demo: stopped"), \
            ("probe KERNEL 0 0;echo not this", b"stopped before the end"), ("test ;echo nor this", b"^C"), \
            ("check;" * 30 + "echo nor that", b"^C"):
        board.type(command.encode() + b"\r")
        board.read_until(b"\r\n", time.monotonic() + TIMEOUT)
        # Long enough to begin; a probe of this board ends in about a quarter of a second.
        time.sleep(0.05)
        board.type(b"\003")
        start = len(board.seen)
        if not board.read_until(b"\r\n" + PROMPT, time.monotonic() + TIMEOUT):
            return [f"{command} goes on"]
        if says not in board.seen[start:]:
            bad.append(f"{command}: {board.seen[start:][-300:]}")
    # What is typed ahead of it goes with it, and is counted.
    board.type(b"bench\recho gone\r\003echo here\r")
    board.read_until(b"here\r\n" + PROMPT, time.monotonic() + TIMEOUT)
    board.type(b"check\rquit\r")
    status, lines = board.end()
    for line, times in ("not this", 0), ("nor this", 0), ("nor that", 0), ("gone", 0), \
            ("here", 1), ("10 characters typed before Ctrl-C are dropped", 1):
        if lines.count(line) != times:
            bad.append(f"'{line}' is there {lines.count(line)} times, not {times}")
    # Usable: some of the checks that were stopped ran, and the last one, which was not.
    if lines[-8:].count("check: every invariant holds") != 1:
        bad.append(f"no check at the end: {lines[-8:]}")
    return bad + ([] if status == 0 else [f"status {status}"])


def line_is_completed_or_refused_as_a_whole():
    board = terminal()
    for keys in b"zonei\t-j\r", b"echo " + b"x" * 300 + b"\r", b"?\r", b"? crash\r", b"help alloc\r", \
            b"crash nul\t\025", b"echo ok\r":
        board.type(keys)
    board.read_until(b"\r\nok\r\n", time.monotonic() + TIMEOUT)
    board.type(b"quit\r")
    status, lines = board.end()
    text = "\n".join(lines)
    patterns = [r'^{"schema":"zonal.zoneinfo/1"', r"longer than 255 characters .*, not run$",
                r"^reboot  .*restart the board", r"^KIND is one of\n  null  exec ",
                r"^GFP is a sum .*\n  TRANSHUGE [^@]*  ATOMIC ", r"crash null "]
    bad = [f"no match: {p}" for p in patterns if not re.search(p, text, re.M)]
    bad += ["a cut line was run"] if re.search("^x+$", text, re.M) else []
    return bad + ([] if status == 0 else [f"status {status}"])


def watch_repeats_until_a_key_and_loses_none():
    board = terminal()
    board.type(b"watch 1 echo tick\r")
    deadline = time.monotonic() + TIMEOUT
    seen = all(board.read_until(b"tick\r\nevery 1 s, until a key is typed: echo tick\r\n", deadline)
               for _ in range(2))
    board.type(b"echo on it goes\r")        # ends it, and is the next line
    board.read_until(b"on it goes\r\n" + PROMPT, deadline)
    board.type(b"watch 1 test\r")
    board.read_until(b"TAP version", deadline)
    board.type(b"\003")
    if not board.read_until(b"^C\r\n" + PROMPT, deadline):
        return ["Ctrl-C did not end it"]
    board.type(b"quit\r")
    status, lines = board.end()
    bad = [] if seen else ["it is not repeated"]
    return bad + [f"{want!r} is there {lines.count(want)} times" for want in ("on it goes",)
                  if lines.count(want) != 1] + ([] if status == 0 else [f"status {status}"])


def map_is_as_wide_as_the_terminal_and_plain_without_one():
    status, lines = run("16g", ["map 0"])
    head = [line for line in lines if line.startswith("Node ")]
    rows = [line for line in lines if line.startswith("  0x")]
    bad = [] if status == 0 and not any("\033" in line for line in lines) else [f"status {status}"]
    if not head or not re.match(r"Node 0, zone \w+: \d+ pages, a character is \d+ pageblocks, \d+ MiB$", head[-1]):
        bad.append(f"16 GiB have the head {head}")
    bad += [f"{len(rows)} rows"] if not 0 < len(rows) <= 34 else []
    bad += [f"{len(row)} columns: {row}" for row in rows if len(row) > 79]
    board = terminal()
    board.type(b"\033[1;120Rmap 1\r")   # the answer to the question for the width
    if not board.read_until(b"isolated\r\n" + PROMPT, time.monotonic() + TIMEOUT):
        return bad + ["no map on a terminal"]
    board.type(b"quit\r")
    _, lines = board.end()
    rows = [line for line in lines if line.startswith("  0x0006")]
    if not rows or "\033[3" not in rows[0] or len(re.sub(r"\033\[\d+m", "", rows[0])) != 13 + 96:
        bad.append(f"a terminal of 120 columns has {rows}")
    return bad


def demo_on(shape):
    def case():
        status, lines = run(shape, ["demo"])
        bad = [line for line in lines if "FAILED" in line or "Bail out" in line]
        bad += [f"{len(line)} columns: {line}" for line in lines if len(line) > 100]
        if "demo: passed" not in lines:
            bad.append("no line 'demo: passed'")
        return bad + ([] if status == 0 else [f"status {status}"])
    case.__name__ = "demo_passes_on_" + shape
    return case


ON_JSON = [json_has_every_schema, zoneinfo_agrees_with_the_board_and_itself, lists_agree,
           map_agrees_with_the_zones,
           counters_agree, probe_has_the_form_of_the_recorded_cases,
           why_explains_the_failure_before_it, bench_prints_one_object_a_line, all_pages_come_back,
           a_failed_command_is_the_exit_status]
BOOTS = [good_commands_end_with_status_0, mistakes_get_one_line_each_and_the_rest_runs,
         text_has_the_layout_of_proc, terminal_edits_remembers_and_gives_up,
         pasted_lines_run_all_and_whole, control_c_stops_every_long_command,
         line_is_completed_or_refused_as_a_whole,
         watch_repeats_until_a_key_and_loses_none, map_is_as_wide_as_the_terminal_and_plain_without_one] + \
        [demo_on(shape) for shape in ("uma", "8n", "memless", "cpuless", "uneven")]

sys.exit(run_cases("monitor", [of_json_boot(case) for case in ON_JSON] + BOOTS,
                   (KeyError, ValueError, IndexError)))
