# SPDX-License-Identifier: BSD-2-Clause
"""For zonal-view: what a board said of itself, out of the log of its console.

`zoneinfo -j` begins a step; `pagetypeinfo -j`, `numastat -j`, `map -j` and `trace show -j` behind
it belong to it, and what a step was not told is as it was before. All other lines are somebody
else's. Of several boots in a log the last one is read.

Whoever can write into a log can write anything, so each value is looked at: a number is a count, a
name is a text, and what is neither is one line of complaint. What comes out is what page.html
draws; docs/look.md names the parts.
"""
import json
import re

TYPES = "Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"
BANNER = re.compile(r"Zonal \S+, (?:gcc|clang) ")
MARK = '{"schema":"zonal.'
MOST_BLOCKS = 1 << 22  # 8 TiB, and a number that is wrong does not fill this machine

# Rows of the time line: name, colour, and how the names of its events begin.
ROWS = (
    ("steals", "--u0", ("mm_page_alloc_extfrag",)),
    ("kswapd", "--u1", ("mm_vmscan_kswapd_", "mm_vmscan_wakeup_kswapd")),
    ("reclaim", "--low", ("mm_vmscan_", "mm_shrink_slab_", "reclaim_retry_zone")),
    ("compaction", "--u2", ("mm_compaction_", "compact_retry")),
    ("pages moved", "--u3", ("mm_migrate_pages",)),
    ("contiguous", "--u4", ("cma_",)),
    ("OOM", "--min", ("mark_victim", "oom_", "wake_reaper", "start_task_", "finish_task_", "skip_task_")),
    ("other", "--u5", ("",)),
)

# What begins and ends in one task. kswapd says again that it is awake before it sleeps.
SPANS = {
    "mm_vmscan_kswapd_wake": "mm_vmscan_kswapd_sleep",
    "mm_vmscan_direct_reclaim_begin": "mm_vmscan_direct_reclaim_end",
    "mm_compaction_begin": "mm_compaction_end",
}


class Fault(Exception):
    """What the reader is told in one line."""


def count(value):
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.40} is not a count")
    return value


def name(value):
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is not a name")
    return value


def items(value):
    if not isinstance(value, list):
        raise ValueError(f"{value!r:.40} is not a list")
    return value


def row_of(event):
    return next(row for row, _, begins in ROWS if event.startswith(begins))


class Console:
    """Steps, events and the number of records lost, filled line by line."""

    def __init__(self):
        self.steps, self.records, self.lost = [], [], 0

    def add(self, found):
        kind = found["schema"]
        if kind == "zonal.zoneinfo/1":
            self.add_zones(found)
        elif kind == "zonal.trace/1":
            self.add_trace(found)
        elif self.steps and kind in self.PARTS:
            self.PARTS[kind](self, found)

    def add_zones(self, found):
        zones = [{"node": count(zone["node"]), "zone": name(zone["zone"]),
                  **{key: count(zone[key]) for key in ("managed", "free", "min", "low", "high", "boost")}}
                 for zone in items(found["zones"])]
        same = self.steps and [(z["node"], z["zone"]) for z in self.steps[0]["zones"]]
        if same and same != [(z["node"], z["zone"]) for z in zones]:
            raise ValueError("the zones are others than before")
        if not zones:
            raise ValueError("there is no zone")
        self.steps.append({"t": None, "zones": zones, "numa": []})

    def zone_of(self, found):
        for zone in self.steps[-1]["zones"]:
            if (zone["node"], zone["zone"]) == (found["node"], found["zone"]):
                return zone
        raise ValueError(f"node {found['node']}, zone {found['zone']} is not in zoneinfo")

    def add_types(self, found):
        for zone in items(found["zones"]):
            orders = [[count(n) for n in items(zone["free"][kind])] for kind in TYPES]
            if len({len(row) for row in orders}) != 1 or not orders[0]:
                raise ValueError("the types have not as many orders")
            self.zone_of(zone)["orders"] = orders

    def add_nodes(self, found):
        self.steps[-1]["numa"] = [
            {"node": count(node["node"]), "hit": count(node["numa_hit"]),
             "miss": count(node["numa_miss"]), "foreign": count(node["numa_foreign"])}
            for node in items(found["nodes"])]

    def add_map(self, found):
        """Runs as [first frame, blocks, type, and pages of one block that are used, reserved, to come]."""
        place = {name: i for i, name in enumerate(items(found["fields"]))}
        for zone in items(found["zones"]):
            runs = []
            for run in items(zone["runs"]):
                numbers = {key: count(run[place[key]]) for key in place if key != "type"}
                runs.append([numbers["pfn"], numbers["blocks"], TYPES.index(run[place["type"]]),
                             numbers["used"], numbers["reserved"], numbers["later"]])
            if sum(run[1] for run in runs) > MOST_BLOCKS:
                raise ValueError("more pageblocks than any board has")
            target = self.zone_of(zone)
            target["runs"], target["block_pages"] = runs, count(found["block_pages"])

    def add_trace(self, found):
        for record in items(found["records"]):
            count(record["ns"]), count(record["cpu"]), count(record["task"]), name(record["event"])
        self.records += found["records"]
        self.lost = count(found["lost"])
        until = count(found.get("until_ns", max((r["ns"] for r in found["records"]), default=0)))
        if self.steps and until:
            self.steps[-1]["t"] = until

    PARTS = {"zonal.pagetypeinfo/1": add_types, "zonal.numastat/1": add_nodes, "zonal.map/1": add_map}


def text_of(record):
    skip = "ns", "cpu", "task", "event"
    fields = " ".join(f"{key}={hex(value) if key.endswith('pfn') and type(value) is int else value}"
                      for key, value in record.items() if key not in skip)
    return f"{record['event']} {fields}".strip()


def spans_of(records, last):
    """From a beginning to the end that the same task tells; the last step, if it tells none."""
    begun, spans = {}, []
    ends = {end: begin for begin, end in SPANS.items()}
    for record in records:
        if record["event"] in SPANS:
            begun.setdefault((record["event"], record["task"]), record)
        first = begun.pop((ends.get(record["event"]), record["task"]), None)
        if first:
            spans.append((first, record["ns"], f"{text_of(first)}; {text_of(record)}"))
    spans += [(first, max(last, first["ns"]), text_of(first)) for first in begun.values()]
    return [{"row": row_of(first["event"]), "name": first["event"], "t": first["ns"], "end": end,
             "task": first["task"], "cpu": first["cpu"], "text": text}
            for first, end, text in sorted(spans, key=lambda span: span[0]["ns"])]


def complete(steps):
    """What a step was not told is as it was at the last that was, and first as at the first one."""
    def fill(items, key):
        known = next((item[key] for item in items if item.get(key)), None)
        for item in items:
            known = item.get(key) or known
            if known is not None:
                item[key] = known

    fill(steps, "numa")
    for place in range(len(steps[0]["zones"])):
        for key in "orders", "runs", "block_pages":
            fill([step["zones"][place] for step in steps], key)


def set_times(steps):
    """Without the time of any step there are only their numbers; an untold one is the one before."""
    if all(step["t"] is None for step in steps):
        for number, step in enumerate(steps):
            step["t"] = number
        return "step"
    now = min(step["t"] for step in steps if step["t"] is not None)
    for step in steps:
        now = step["t"] = max(now, step["t"] if step["t"] is not None else now)
    return "ns"


def read(text):
    """The data of the page from the text of a log."""
    console, seen = Console(), False
    for number, line in enumerate(text.split("\n"), 1):
        if BANNER.match(line):
            console = Console()
        start = line.find(MARK)
        if start < 0:
            continue
        seen = True
        try:
            console.add(json.loads(line[start:].strip()))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
            said = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
            raise Fault(f"line {number} cannot be read: {said}") from None
    if not console.steps:
        raise Fault("holds JSON of a board, but no line of `zoneinfo -j`" if seen else
                    "holds neither a record nor JSON of a board")
    return data_of(console)


def data_of(console):
    steps, records = console.steps, sorted(console.records, key=lambda record: record["ns"])
    unit = set_times(steps)
    if unit == "step":
        records = []
    complete(steps)
    return {"unit": unit, "steps": steps, "lost": console.lost,
            "events": [{"row": row_of(r["event"]), "name": r["event"], "t": r["ns"], "task": r["task"],
                        "cpu": r["cpu"], "text": text_of(r)} for r in records],
            "spans": spans_of(records, steps[-1]["t"]),
            "about": f"The log of a console: {len(steps)} steps, {len(records)} events, "
                     f"{console.lost} lost because a ring was full."}
