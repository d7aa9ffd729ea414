# SPDX-License-Identifier: BSD-2-Clause
"""For zonal-view: a recorded run (`record start`, or a frame record of test/oracle/frames).

The calls are the time. Pages in use are known after each call; free lists, hits, marks and the
types of pageblocks stand in the states at the start and the end alone, and are as at the start up
to the last step. Pages in the lists of CPUs count as free. What a record only names (FORMAT.md,
docs/look.md: `x`, drains) is an event.
"""
import re

from console import MOST_BLOCKS, TYPES, Fault

MARK = "| "  # before each line of a record in the log of a console
ZONE_TYPES = "DMA", "DMA32", "Normal", "Movable"
PAGES = 512  # of a pageblock
STEPS = 60
CALLS = "afrsduDl"


def found_in(text):
    return re.search(r"^(?:\| )?frames 1\r?$", text, re.M) is not None


class State:
    """What stands between `state` and `end`, as far as a page shows it."""

    def __init__(self):
        self.zones, self.numa, self.blocks, self.free, self.listed = {}, {}, {}, {}, {}

    def read(self, words):
        kind, rest = words[0], words[1:]
        if kind == "zone":
            self.zones[int(rest[0])] = dict(word.split("=", 1) for word in rest[1:])
        elif kind == "numa":
            self.numa[int(rest[0])] = [int(word) for word in rest[1:4]]
        elif kind == "blocks":
            runs = [word.split("*") for word in rest[1:]]
            blocks = self.blocks.setdefault(int(rest[0]), [])
            if len(blocks) + sum(int(times) for _, times in runs) > MOST_BLOCKS:
                raise ValueError("more pageblocks than any board has")
            for number, times in runs:
                if not 0 <= int(number) < len(TYPES):
                    raise ValueError(f"there is no type {number}")
                blocks += [int(number)] * int(times)
        elif kind == "free":
            self.free.setdefault(tuple(map(int, rest[:3])), []).extend(int(pfn, 16) for pfn in rest[3:])
        elif kind == "pcp":
            self.listed.setdefault(int(rest[0]), []).extend(int(pfn.split(".")[0], 16) for pfn in rest[3:])

    def first(self, zid):
        return int(self.zones[zid]["start"], 16) // PAGES * PAGES

    def pages_free(self):
        """Of each zone, the free pages of each of its pageblocks."""
        free = {zid: [0] * len(self.blocks[zid]) for zid in self.zones}
        for (zid, order, _), pfns in self.free.items():
            for pfn in pfns:
                self.change(free, zid, pfn, 1 << order)
        for zid, pfns in self.listed.items():
            for pfn in pfns:
                self.change(free, zid, pfn, 1)
        return free

    def change(self, free, zid, pfn, pages):
        """`pages` from `pfn` on become free, or -`pages` used."""
        sign = 1 if pages > 0 else -1
        for page in range(pfn, pfn + abs(pages), PAGES):
            block = (page - self.first(zid)) // PAGES
            if not 0 <= block < len(free[zid]):
                raise ValueError(f"frame {page:#x} is in no pageblock of zone {zid}")
            free[zid][block] += sign * min(abs(pages), PAGES)

    def zone_at(self, pfn):
        return next((zid for zid, zone in self.zones.items()
                     if 0 <= pfn - int(zone["start"], 16) < int(zone["spanned"])), None)


class Record:
    def __init__(self):
        self.states, self.state, self.calls, self.said = {}, None, [], None
        self.cpu, self.playing = 0, False

    def read(self, words):
        kind = words[0]
        if self.state is not None:
            if kind == "end":
                self.state = None
            else:
                self.state.read(words)
        elif kind == "state":
            self.state = self.states[words[1]] = State()
        elif kind == "again":
            self.states.popitem()
        elif kind == "calls":
            self.said = int(words[1])
        elif kind == "play":
            self.playing, self.cpu = True, int(words[1])
        elif kind == "done":
            self.playing = False
        elif self.playing:
            self.read_call(words)

    def read_call(self, words):
        kind = words[0]
        if kind == "c":
            self.cpu = int(words[1])
        elif kind in CALLS or kind == "x":
            self.calls.append((self.cpu, words))

    def check(self):
        """A record that was cut short has no end, or fewer calls than it says."""
        made = sum(words[0] != "x" for _, words in self.calls)
        if set(self.states) != {"start", "end"} or self.state or self.playing:
            raise Fault("the record is cut short: it has no state at the end")
        if made != self.said:
            raise Fault(f"the record is cut short: {made} of {self.said} calls")
        start, end = self.states["start"], self.states["end"]
        if not start.zones or set(start.zones) != set(end.zones):
            raise Fault("the record is broken: the zones of its two states differ")


def runs_of(first, blocks, free):
    """Pageblocks side by side that are alike, as page.html takes them."""
    runs = []
    for number, (kind, pages) in enumerate(zip(blocks, free)):
        used = PAGES - min(max(pages, 0), PAGES)
        if runs and runs[-1][2:4] == [kind, used]:
            runs[-1][1] += 1
        else:
            runs.append([first + number * PAGES, 1, kind, used, 0, 0])
    return runs


def step_of(state, call, free):
    zones, numa = [], {}
    for zid, zone in sorted(state.zones.items()):
        zones.append({
            "node": zid // 4, "zone": ZONE_TYPES[zid % 4], "managed": int(zone["managed"]),
            "free": sum(free[zid]), **{key: int(zone[key]) for key in ("min", "low", "high", "boost")},
            "orders": [[len(state.free.get((zid, order, kind), ())) for order in range(11)]
                       for kind in range(len(TYPES))],
            "runs": runs_of(state.first(zid), state.blocks[zid], free[zid]), "block_pages": PAGES})
    for zid, sums in sorted(state.numa.items()):
        node = numa.setdefault(zid // 4, {"node": zid // 4, "hit": 0, "miss": 0, "foreign": 0})
        for key, value in zip(("hit", "miss", "foreign"), sums):
            node[key] += value
    return {"t": call, "zones": zones, "numa": list(numa.values())}


def play(state, words, free):
    """One call, as pages in use see it: `r` leaves the first page to somebody else."""
    kind = words[0]
    if kind not in "afr":
        return
    pfn, order = (int(words[6], 16), int(words[2])) if kind == "a" else (int(words[1], 16), int(words[2]))
    if kind == "a" and not pfn:
        return
    zid = state.zone_at(pfn)
    if zid is None or not 0 <= order <= 10:
        raise ValueError(f"{' '.join(words):.40} is no block of this board")
    state.change(free, zid, pfn, (-1 if kind == "a" else 1) << order)
    if kind == "r":
        state.change(free, zid, pfn, -1)


def event_of(call, cpu, words):
    names = {"D": "drain", "d": "drain", "u": "highatomic given back", "x": "not recorded"}
    if words[0] not in names:
        return []
    row = "other" if words[0] == "x" else "drains"
    return [{"row": row, "name": names[words[0]], "t": call, "task": cpu, "cpu": cpu,
             "text": " ".join(words)}]


def data_of(record):
    start, end = record.states["start"], record.states["end"]
    free, events = start.pages_free(), []
    steps = [step_of(start, 0, free)]
    every = max(1, len(record.calls) // STEPS)
    for number, (cpu, words) in enumerate(record.calls, 1):
        play(start, words, free)
        events += event_of(number, cpu, words)
        if number % every == 0 or number == len(record.calls):
            steps.append(step_of(start, number, free))
    steps.append(step_of(end, len(record.calls) + 1, end.pages_free()))
    ended = [" ".join(words) for _, words in record.calls if words[0] == "x"]
    early = f" It ends early ({ended[0]}): what came then shows in the last step alone." if ended else ""
    return {"unit": "call", "steps": steps, "lost": 0, "events": events, "spans": [],
            "about": f"A record of {record.said} calls. Pages in the lists of CPUs count as free; free lists, "
                     f"types, marks and hits are those of the start up to the last step.{early}"}


def read(text):
    """The data of the page from the text of a record, or of a log in which one stands."""
    mark = "" if text.startswith("frames ") else MARK
    record = Record()
    for number, line in enumerate(text.split("\n"), 1):
        words = line[len(mark):].split() if line.startswith(mark) else []
        try:
            if words:
                record.read(words)
        except (KeyError, ValueError, IndexError) as error:
            raise Fault(f"line {number} of the record cannot be read: {error}") from None
    record.check()
    try:
        return data_of(record)
    except (KeyError, ValueError, IndexError) as error:
        raise Fault(f"the record is broken: {error}") from None
