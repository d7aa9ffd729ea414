#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What tools/zonal-view reads: recorded runs of a board and of Linux, hostile text, which stays
text, and files that are broken, each of which is one line."""
import gzip
import json
import os
import random
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test"))
import browser  # noqa: E402
from selection import run_cases  # noqa: E402
from view_boards import (  # noqa: E402
    FOLDER, blocks_of, board, different, drawn, last, page, path, recorded, table, view, write)

os.chdir(ROOT)
SEED = int(os.environ.get("KT_SEED", "0")) or random.randrange(1, 1 << 31)


# ---- a record ----------------------------------------------------------------------------------


def a_record_is_drawn():
    text, maps = recorded()
    where = page("run.txt", text)
    calls = int(re.search(r"^calls (\d+)$", text, re.M)[1])
    faults = []
    for step, state in (0, maps[0]), (10 ** 6, maps[1]):
        tree = browser.tree(where, f"step={step}")
        for z, zone in enumerate(state["zones"]):
            got = [(b[0], b[1], b[5]) for b in drawn(tree.one("svg", class_="map", data_zone=str(z)))]
            want = [(b[0], b[1], b[5]) for b in blocks_of(zone)]
            faults += [f"step {step}: the page {g}, the board {w}" for g, w in zip(got, want) if g != w][:3]
            faults += different(f"step {step}, zone {z}, blocks", len(got), len(want))
    if f"A record of {calls} calls" not in tree.one(id="about").text or calls < 100:
        faults.append(tree.one(id="about").text)
    drains = sum(line.startswith("D ") for line in text.split("\n"))
    return faults + different("drains", len(list(tree.all("rect", class_="event", data_event="drain"))), drains)


def what_is_played_ends_as_the_state_at_the_end_does():
    """The step before the last one is the start and all calls, the last one is the board's."""
    tree = [browser.tree(page("run.txt", recorded()[0]), f"step={step}") for step in (10 ** 6, 0)]
    steps = int(tree[0].one("body")["data-step"])
    before = browser.tree(path("run.txt.html"), f"step={steps - 1}")
    free = [[row[2] for row in table(t.one(id="zones").one("table"))] for t in (before, tree[0], tree[1])]
    return different("free pages", free[0], free[1]) + (["nothing was taken"] if free[1] == free[2] else [])


def a_record_that_ends_early_says_so():
    text = recorded()[0].replace("\ndone\n", "\nx boost 0\ndone\n")
    tree = browser.tree(page("early.txt", text))
    faults = [] if "ends early (x boost 0)" in tree.one(id="about").text else [tree.one(id="about").text]
    marks = [mark.text.split(": ")[1] for mark in tree.all(data_event="not recorded")]
    return faults + different("marks", marks, ["x boost 0"])


def a_record_in_a_log_and_one_of_linux_are_read_too():
    text = recorded()[0]
    log = "Zonal 1, gcc 12\r\n" + "".join(f"| {line}\r\nsomething else\r\n" for line in text.split("\n"))
    frames = "test/oracle/frames/frames-p1-2n-c2-s3.txt.gz"
    done = [view("-o", path("one.html"), "-", input=log), view("-o", path("two.html"), write("run.txt", text)),
            view("-o", path("linux.html"), frames)]
    faults = [d.stderr for d in done if d.returncode]
    if faults:
        return faults
    tree = browser.tree(path("linux.html"), "step=0")
    with gzip.open(frames, "rt") as file:
        zone = re.search(r"^zone 4 .* managed=(\d+) min=(\d+) low=(\d+) high=(\d+)", file.read(), re.M)
    row = table(tree.one(id="zones").one("table"))[1]
    faults += different("a zone of Linux", row[1:2] + row[3:], list(map(int, zone.groups())))
    with open(path("one.html"), encoding="utf-8") as one, open(path("two.html"), encoding="utf-8") as two:
        same = [re.search(r'<script id="data".*', file.read())[0] for file in (one, two)]
    return faults + ([] if same[0] == same[1] else ["the record in a log is another one"])


# ---- hostile and broken files ------------------------------------------------------------------


def text_of_a_log_stays_text():
    evil = "</script><img src=x onerror=document.body.dataset.hit=1><!--<script>&amp;"
    name = json.dumps(evil)
    log = board()[0].replace('"zone":"DMA"', f'"zone":{name}').replace('"event":"mark_victim"', f'"event":{name}')
    tree = browser.tree(page("<img src=x onerror=document.body.dataset.hit=1>.log", log), f"step={last()}")
    faults = [f"there is an <{tag}>" for tag in ("img",) if list(tree.all(tag))]
    faults += different("scripts", len(list(tree.all("script"))), 2)
    faults += different("what was hit", tree.one("body")["data-hit"], None)
    faults += different("zone", tree.one(id="zones").one("table").rows()[1][0], f"Node 0, zone {evil}")
    faults += different("event", len(list(tree.all("rect", class_="event", data_event=evil))),
                        board()[0].count('"event":"mark_victim"'))
    return faults + different("title", tree.one("h1").text, "<img src=x onerror=document.body.dataset.hit=1>.log")


def complaint(says, *arguments, **options):
    """What is wrong about how zonal-view refuses this."""
    out = path("never.html")
    done = view("-o", out, *arguments, **options)
    faults = []
    if done.returncode != 1 or done.stdout or not re.fullmatch(r"zonal-view: .*\n", done.stderr):
        faults.append(f"status {done.returncode}: {done.stdout}{done.stderr}")
    if not re.search(says, done.stderr):
        faults.append(f"does not say {says}: {done.stderr}")
    if os.path.exists(out):
        os.unlink(out)
        faults.append(f"a page is written all the same, of {arguments}")
    return faults


def a_file_that_cannot_be_shown_is_one_line():
    log, record = board()[0], recorded()[0]
    faults = complaint("no/such/file: No such file", "no/such/file") + complaint("Is a directory", FOLDER.name)
    faults += complaint("neither a record nor JSON", write("empty", "")) + complaint("neither", write("text", "a\nb\n"))
    faults += complaint("neither", "/bin/true") + complaint("no line of .zoneinfo -j", "-", input=json.dumps(
        {"schema": "zonal.map/1", "zones": []}, separators=(",", ":")))
    faults += complaint(r"line \d+ cannot be read: ", write("cut", log[:log.rindex('"until_ns"')]))
    start = record.index("play ")
    for part in range(1, 12):
        faults += complaint("cut short", write("cut", record[:start + (len(record) - start) * part // 12]))
    fewer = re.sub(r"^a .*\n", "", record, count=1, flags=re.M)
    faults += complaint("cut short: [0-9]+ of [0-9]+ calls", write("fewer", fewer))
    faults += complaint("cut short", write("packed", gzip.compress(record.encode())[:-200]))
    faults += complaint(r"line \d+ of the record", write("wrong", record.replace("zone 0 start=", "zone x start=")))
    done = view("-o", path("nowhere/page.html"), write("good", log))
    return faults + different("no folder", (done.returncode, done.stderr.count("\n")), (1, 1))


def a_wrong_value_is_one_line():
    faults = []
    for key in ("node", "zone", "managed", "free", "min", "low", "high", "boost", "zones", "runs", "block_pages",
                "fields", "nodes", "numa_hit", "records", "ns", "cpu", "task", "event", "lost", "until_ns", "Movable"):
        for wrong in "null", "-1", "1.5", '"<b>"', "[]", "{}":
            if key in ("zone", "event") and wrong.startswith('"'):
                continue
            text, count = re.subn(rf'"{key}":(?:\[(?:[^\[\]]|\[[^\]]*\])*\]|\{{[^{{}}]*\}}|"[^"]*"|-?\d+)',
                                  f'"{key}":{wrong}', board()[0], count=1)
            if not count:
                faults.append(f"the board has no {key}")
            elif not (key in ("zones", "runs", "nodes", "records") and wrong == "[]"):
                faults += [f"{key}: {wrong}: {fault}"
                           for fault in complaint("line [0-9]+ cannot be read", write("wrong", text))]
    many = re.sub(r'"runs":\[\[(\d+),\d+', r'"runs":[[\1,99999999999', board()[0])
    return faults + complaint("more pageblocks than", "-", input=many)


def what_is_damaged_anywhere_is_shown_or_one_line():
    dice, faults = random.Random(SEED), []
    for turn in range(40):
        text = bytearray((board()[0] if turn % 2 else recorded()[0]).encode())
        for _ in range(dice.choice((1, 3, 30))):
            text[dice.randrange(len(text))] = dice.randrange(256)
        done = view("-o", path("odd.html"), write("odd", bytes(text)))
        if done.returncode not in (0, 1) or done.stderr.count("\n") != done.returncode:
            faults.append(f"seed {SEED}, turn {turn}: status {done.returncode}: {done.stderr[-300:]}")
    return faults


CASES = [a_record_is_drawn, what_is_played_ends_as_the_state_at_the_end_does, a_record_that_ends_early_says_so,
         a_record_in_a_log_and_one_of_linux_are_read_too, text_of_a_log_stays_text,
         a_file_that_cannot_be_shown_is_one_line, a_wrong_value_is_one_line,
         what_is_damaged_anywhere_is_shown_or_one_line]

sys.exit(run_cases("view_input", CASES, (KeyError, TypeError, ValueError, IndexError, StopIteration, OSError,
                                    subprocess.TimeoutExpired)))
