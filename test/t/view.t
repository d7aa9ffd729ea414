#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The page of tools/zonal-view: a board runs short of memory, and what a real browser shows of it
is held against the board's own JSON, by the elements and by the pixels; the same for Perfetto."""
import collections
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test"))
import browser  # noqa: E402
from selection import run_cases  # noqa: E402
from view_boards import (  # noqa: E402
    COMMANDS, LAYERS, TYPES, blocks_of, board, different, drawn, last, number, said, shown, table, write)

os.chdir(ROOT)
# Which of these commands must make, however slow the board is; kswapd has a core of its own.
KINDS = ("mm_page_alloc_extfrag", "mm_vmscan_direct_reclaim_begin", "mm_vmscan_direct_reclaim_end",
         "mm_compaction_begin", "mm_compaction_end", "mark_victim")


# ---- the page of a board -----------------------------------------------------------------------


def zones_marks_and_free_figures_are_the_boards():
    faults = different("steps", len(said(board()[0], "zoneinfo")), last() + 1)
    for step in 0, len(COMMANDS) // 2, last():
        zones = said(board()[0], "zoneinfo")[step]["zones"]
        want = [[f"Node {z['node']}, zone {z['zone']}", z["managed"], z["free"],
                 *(z[mark] + z["boost"] for mark in ("min", "low", "high"))] for z in zones]
        faults += different(f"step {step}", table(shown(step).one(id="zones").one("table")), want)
    return faults


def points(path_element):
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+) (\S+?)(?=[ML]|$)", path_element["d"])]


def free_memory_moves_against_the_marks_as_it_did():
    faults = []
    states = said(board()[0], "zoneinfo")
    times = [trace["until_ns"] for trace in said(board()[0], "trace")]
    for z in range(2):
        chart = shown(last()).one("svg", class_="zone", data_zone=str(z))
        free, low = points(chart.one(class_="free")), points(chart.one(data_mark="low"))
        figures = [(s["zones"][z]["free"], s["zones"][z]["low"] + s["zones"][z]["boost"]) for s in states]
        faults += different(f"zone {z}, points", len(free), len(figures))
        scale = (free[-1][0] - free[0][0]) / (times[-1] - times[0])
        for (x, y), (_, at_low), (pages, mark), t in zip(free, low, figures, times):
            if abs(x - free[0][0] - (t - times[0]) * scale) > 0.2:
                faults.append(f"zone {z}: a step of {t} ns lies at {x}")
            if (pages < mark and y < at_low) or (pages > mark and y > at_low):
                faults.append(f"zone {z}: {pages} pages lie at {y}, the mark of {mark} at {at_low}")
        ordered = sorted(zip(figures, free), key=lambda pair: pair[0][0])
        if any(a[1][1] < b[1][1] for a, b in zip(ordered, ordered[1:])):
            faults.append(f"zone {z}: more pages are not higher: {ordered}")
    if not any(zone["free"] < zone["low"] for state in states for zone in state["zones"]):
        faults.append("no zone was ever low")
    return faults


def steps_may_be_of_one_width():
    tree = browser.tree(board()[1], f"axis=steps&step={last()}")
    free = points(next(tree.all("svg", class_="zone")).one(class_="free"))
    wide = {round(b[0] - a[0], 0) for a, b in zip(free, free[1:])}
    true = points(next(shown(last()).all("svg", class_="zone")).one(class_="free"))
    faults = [] if max(wide) - min(wide) <= 1 else [f"steps are {sorted(wide)} wide"]
    faults += different("heights", [y for _, y in free], [y for _, y in true])
    marks = list(tree.one(id="timeline").all("rect", class_="event"))
    places, times = [float(mark["x"]) for mark in marks], sorted(record["ns"] for record in records())
    states = [trace["until_ns"] for trace in said(board()[0], "trace")]
    left = min(places)
    for t, x in zip(times, sorted(places)):
        after = sum(state <= t for state in states)
        step = (1040 - 12 - 160) / last()
        if after and not 160 + (after - 1) * step - 1 <= x <= 160 + after * step + 1:
            faults.append(f"an event of {t} ns, behind step {after - 1}, lies at {x}")
    return faults + ([] if left >= 160 else [f"the first event lies at {left}"])


def every_pageblock_is_drawn_as_the_map_has_it():
    faults = []
    for step in 0, last():
        for z, zone in enumerate(said(board()[0], "map")[step]["zones"]):
            svg = shown(step).one("svg", class_="map", data_zone=str(z))
            got, want = drawn(svg), blocks_of(zone)
            faults += different(f"step {step}, zone {z}, blocks", len(got), len(want))
            faults += [f"step {step}: the page {g}, the board {w}" for g, w in zip(got, want) if g != w][:3]
            for g in svg.all("g", class_="block"):
                high = [int(rect["height"]) for rect in g.all("rect")]
                pages = [int(g["data-" + layer]) for layer in LAYERS]
                if sum(high) != int(svg["data-side"]) or [h > 0 for h in high] != [p > 0 for p in pages]:
                    faults.append(f"step {step}: {pages} pages are {high} high")
    return faults[:5]


def free_lists_are_the_boards():
    faults = []
    for z, zone in enumerate(said(board()[0], "pagetypeinfo")[last()]["zones"]):
        want = [[kind, *zone["free"][kind]] for kind in TYPES]
        faults += different(f"zone {z}", table(shown(last()).one("table", class_="orders", data_zone=str(z))), want)
    return faults


def hits_and_misses_are_the_boards():
    states = said(board()[0], "numastat")
    want = [[f"Node {n['node']}", n["numa_hit"], n["numa_miss"], n["numa_foreign"]] for n in states[last()]["nodes"]]
    faults = different("nodes", table(shown(last()).one(id="numa").one("table")), want)
    for n, node in enumerate(states[0]["nodes"]):
        moved = sum(b["nodes"][n][key] > a["nodes"][n][key] for a, b in zip(states, states[1:])
                    for key in ("numa_hit", "numa_miss", "numa_foreign"))
        svg = shown(last()).one("svg", class_="node", data_node=str(node["node"]))
        faults += different(f"node {n}, bars", len(list(svg.all(class_="bar"))), moved)
    return faults


def records():
    return [record for trace in said(board()[0], "trace") for record in trace["records"]]


BEGINS = {"mm_vmscan_kswapd_wake", "mm_vmscan_direct_reclaim_begin", "mm_compaction_begin"}
ENDS = {"mm_vmscan_kswapd_sleep": "mm_vmscan_kswapd_wake", "mm_compaction_end": "mm_compaction_begin",
        "mm_vmscan_direct_reclaim_end": "mm_vmscan_direct_reclaim_begin"}


def spans_begun():
    begun, count = set(), 0
    for record in sorted(records(), key=lambda r: r["ns"]):
        key = record["event"], record["task"]
        if record["event"] in BEGINS:
            count += key not in begun
            begun.add(key)
        begun.discard((ENDS.get(record["event"]), record["task"]))
    return count


def every_event_of_the_trace_is_on_the_time_line():
    want = collections.Counter(record["event"] for record in records())
    line = shown(last()).one(id="timeline")
    got = collections.Counter(mark["data-event"] for mark in line.all("rect", class_="event"))
    faults = different("events", got, want)
    faults += [f"the board made no {kind}" for kind in KINDS if not want[kind]]
    faults += different("all rows", sum(number(c.text) for c in line.all("text", class_="count")), len(records()))
    faults += different("spans", len(list(line.all("rect", class_="span"))), spans_begun())
    oom = next(line.all("rect", data_event="mark_victim"))
    victim = next(record for record in records() if record["event"] == "mark_victim")
    if f"mark_victim pid={victim['pid']}" not in oom.text or f"task {victim['task']}:" not in oom.text:
        faults.append(f"the mark of {victim} says {oom.text}")
    return faults


def the_slider_moves_the_map():
    with open(board()[1], encoding="utf-8") as file:
        text = file.read()
    keys = ("<script>const slider = document.getElementById('time'); slider.value = 1;"
            "slider.dispatchEvent(new Event('input'));</script>")
    moved = browser.tree(write("moved.html", text + keys))
    maps = said(board()[0], "map")
    want = [[blocks_of(zone) for zone in maps[step]["zones"]] for step in (1, last())]
    got = [drawn(svg) for svg in moved.all("svg", class_="map")]
    faults = different("the label", moved.one(id="now").text.split(",")[0], f"step 1 of {last()}")
    if want[0] == want[1]:
        faults.append("the board's map is the same at both steps")
    if got != want[0]:
        faults.append("a moved slider does not show the map of step 1")
    beyond = browser.tree(board()[1], "step=99999&only=map")
    faults += different("the last", beyond.one("body")["data-step"], str(last()))
    return faults + different("hidden", [s["id"] for s in beyond.all("section") if s["hidden"] is not None],
                              ["zones", "orders", "numa", "events"])


# ---- the picture -------------------------------------------------------------------------------


def legend(tree, section):
    return {i["data-what"]: i["data-colour"] for i in tree.one("section", id=section).all("i") if i["data-colour"]}


def shares(blocks):
    """Of each entry of the legend: its part of all pageblocks, and how wrong whole pixels may be."""
    part, doubt = collections.Counter(), collections.Counter()
    for _, kind, used, reserved, later, free in blocks:
        names = f"{TYPES[kind]} used", "reserved", "later", f"{TYPES[kind]} free"
        pages = used, reserved, later, free
        for name, count in zip(names, pages):
            part[name] += count / 512
            doubt[name] += bool(0 < count < 512) / 10
    return part, doubt


def the_picture_of_the_map_has_the_legends_colours():
    faults = []
    for step in 0, last():
        fragment, size = f"step={step}&only=map", (1100, 420)
        tree, shot = browser.tree(board()[1], fragment, size), browser.picture(board()[1], fragment, size)
        colours = legend(tree, "map")
        faults += different("colours", len(set(colours.values())), 2 * len(TYPES) + 2)
        for z, zone in enumerate(said(board()[0], "map")[step]["zones"]):
            svg = tree.one("svg", class_="map", data_zone=str(z))
            blocks = blocks_of(zone)
            seen = shot.colours(*(round(float(svg[key])) for key in ("data-left", "data-top", "width", "height")))
            part, doubt = shares(blocks)
            for name, colour in colours.items():
                squares = seen[colour] / int(svg["data-side"]) ** 2
                if abs(squares - part[name]) > doubt[name] + 0.01:
                    faults.append(f"step {step}, zone {z}: {name} {colour}: {squares:.2f} squares are drawn, "
                                  f"{part[name]:.2f} ± {doubt[name]:.2f} are there")
            if sum(seen[colour] for colour in colours.values()) != len(blocks) * int(svg["data-side"]) ** 2:
                faults.append(f"step {step}, zone {z}: squares are missing")
    return faults


def the_whole_page_is_drawn():
    tree, shot = shown(last()), browser.picture(board()[1], f"step={last()}", (1100, 1800))
    seen = shot.colours()
    faults = [f"{name} {colour} has {seen[colour]} pixels" for name, colour in legend(tree, "zones").items()
              if seen[colour] < 60]
    for height in range(0, 1500, 250):
        if len(shot.colours(top=height, height=250)) < 8:
            faults.append(f"there is nothing to see in lines {height} to {height + 249}")
    return faults


def it_asks_nobody_else():
    with open(board()[1], encoding="utf-8") as file:
        text = file.read()
    faults = [f"<{e.tag} {a}>" for e in shown(last()).all() for a in ("src", "href") if e[a] is not None]
    return faults + [url for url in re.findall(r"https?:[^'\"\s]*|@import|url\(", text)
                     if url != "http://www.w3.org/2000/svg"]


# ---- Perfetto ----------------------------------------------------------------------------------


def perfetto_gets_the_same():
    with open(board()[1].replace(".html", ".json"), encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    faults = [f"not complete: {e}" for e in events if not {"ph", "ts", "name", "pid", "tid"} <= set(e)][:2]
    kinds = collections.Counter(event["ph"] for event in events)
    faults += different("events", collections.Counter(e["name"] for e in events if e["ph"] == "i"),
                        collections.Counter(record["event"] for record in records()))
    faults += different("counters", kinds["C"], 4 * (last() + 1)) + different("spans", kinds["X"], spans_begun())
    for z in said(board()[0], "zoneinfo")[last()]["zones"]:
        got = [e for e in events if e["ph"] == "C" and e["name"] == f"node {z['node']} {z['zone']}"]
        faults += different("free", got[-1]["args"]["free"], z["free"])
        faults += different("its time", got[-1]["ts"], said(board()[0], "trace")[-1]["until_ns"] / 1000)
    times = sorted(record["ns"] / 1000 for record in records())
    return faults + different("times", sorted(e["ts"] for e in events if e["ph"] == "i"), times)


CASES = [zones_marks_and_free_figures_are_the_boards, free_memory_moves_against_the_marks_as_it_did,
         steps_may_be_of_one_width, every_pageblock_is_drawn_as_the_map_has_it, free_lists_are_the_boards,
         hits_and_misses_are_the_boards, every_event_of_the_trace_is_on_the_time_line, the_slider_moves_the_map,
         the_picture_of_the_map_has_the_legends_colours, the_whole_page_is_drawn, it_asks_nobody_else,
         perfetto_gets_the_same]

sys.exit(run_cases("view", CASES, (KeyError, TypeError, ValueError, IndexError, StopIteration, OSError,
                                   subprocess.TimeoutExpired)))
