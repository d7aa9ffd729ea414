# SPDX-License-Identifier: BSD-2-Clause
"""Commands for gdb on a board that stands still: `make gdb` loads them, `source tools/zonal-gdb.py`
does elsewhere. `help zonal` lists them.

Everything is read from the board's memory by the types that the ELF describes; nothing runs on
the board and nothing is written. Addresses are those of the upper half, so the core that gdb
looks at must have its MMU on: before that one line says so. A board can be stopped anywhere, so
whatever a lock guards may be halfway; where it is held, the line says so.
"""
import collections
import functools
import os
import re
import struct

import gdb

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
HIGH = 0xFFFF000000000000
NONE = 0xFFFFFFFF
ZONE_TYPES = 4
CHUNK = 4096
FRAMES = 40


# ---- what the build was made of ----------------------------------------------------------

def setting(name):
    """A number of include/zonal/config.h, which no type shows."""
    with open(os.path.join(ROOT, "include/zonal/config.h")) as file:
        return int(re.search(rf"^#define {name} (\d+)", file.read(), re.M).group(1))


def enum(name, prefix):
    """Names of an enum's values, without the prefix and in small letters."""
    fields = gdb.lookup_type("enum " + name).fields()
    return {f.enumval: f.name[len(prefix):].lower() for f in fields}


def length(type_):
    low, high = type_.range()
    return high - low + 1


@functools.cache
def offset(type_name, field):
    return int(gdb.parse_and_eval(f"(unsigned long)&(({type_name} *)0)->{field}"))


def upper(expression):
    """A variable of the image; gdb may find the symbols of the lower half first."""
    value = gdb.parse_and_eval(f"&{expression}")
    pointer = int(value) | HIGH
    return gdb.Value(pointer).cast(value.type).dereference()


class Board:
    """What the commands share; made anew for each, as the board may have run."""

    def __init__(self):
        self.page_shift = setting("ZONAL_PAGE_SHIFT")
        self.section_shift = setting("ZONAL_SECTION_SHIFT") - self.page_shift
        self.block_pages = 1 << setting("ZONAL_PAGEBLOCK_ORDER")
        blocks = gdb.lookup_type("struct zone_snapshot")["blocks"].type
        self.type_count, self.orders = length(blocks), length(blocks.target())
        self.states, self.types = enum("page_state", "PAGE_"), enum("zonal_migratetype", "ZONAL_MIGRATE_")
        self.zone_names = {0: "DMA", 1: "DMA32", 2: "Normal", 3: "Movable"}
        self.page_bytes = gdb.lookup_type("struct page").sizeof
        self.at = {f: offset("struct page", f) for f in
                   ("next", "prev", "list_type", "word", "refs", "mapped", "block", "owner_id")}
        self.chunks, self.bases, self.limits = {}, {}, {}
        self.mm = upper("zonal_image")
        try:
            built = int(self.mm["node_count"])
        except gdb.MemoryError:
            raise gdb.GdbError("the board's memory cannot be read: the MMU of this core is off yet "
                               "(try: hbreak platform_main, continue)") from None
        if not built:
            raise gdb.GdbError("the allocator is not built yet (try: hbreak monitor_loop, continue)")

    def read(self, address, size):
        """Bytes of memory, by way of a cache."""
        first, data = address - address % CHUNK, b""
        while first < address + size:
            if first not in self.chunks:
                self.chunks[first] = bytes(gdb.selected_inferior().read_memory(first, CHUNK))
            data += self.chunks[first]
            first += CHUNK
        start = address % CHUNK
        return data[start:start + size]

    def zones(self):
        for zid in range(int(self.mm["zone_end"])):
            pointer = self.mm["zone"][zid]
            if int(pointer):
                yield pointer.dereference()

    def zone_name(self, zone):
        return self.zone_names[int(zone["type"])]

    # ---- pages ----

    def bounds(self, section):
        """Frames of a section whose structures can be read."""
        if section not in self.limits:
            self.limits[section] = (0, 0)
            if section < int(self.mm["section_count"]):
                bounds = self.mm["bounds"][section]
                self.limits[section] = (int(bounds["first"]),
                                        min(int(self.mm["ready"][section]), int(bounds["end"])))
        return self.limits[section]

    def ready(self, pfn):
        first, end = self.bounds(pfn >> self.section_shift)
        return first <= pfn < end

    def page_address(self, pfn):
        section = pfn >> self.section_shift
        if section not in self.bases:
            self.bases[section] = int(self.mm["section"][section])
        return self.bases[section] + pfn * self.page_bytes & 0xFFFFFFFFFFFFFFFF

    def page(self, pfn):
        return Page(self, pfn) if self.ready(pfn) else None

    def pfn_of(self, value):
        """A frame number, an address of RAM, physical or not, or of a struct page."""
        if self.ready(value):
            return value
        for section in range(int(self.mm["section_count"])):
            first, end = self.bounds(section)
            if first < end and self.page_address(first) <= value < self.page_address(end - 1) \
                    + self.page_bytes:
                return first + (value - self.page_address(first)) // self.page_bytes
        pfn = (value & ~HIGH) >> self.page_shift
        if not self.ready(pfn):
            raise gdb.GdbError(f"0x{value:x} is no frame number and no address of RAM of this board")
        return pfn


class Page:
    """One struct page."""

    def __init__(self, board, pfn):
        self.board, self.pfn = board, pfn
        self.address = board.page_address(pfn)
        raw, at = board.read(self.address, board.page_bytes), board.at
        self.raw = raw
        self.next, self.prev = struct.unpack_from("<II", raw, at["next"])
        self.list_type, self.block = raw[at["list_type"]], raw[at["block"]]
        self.word, = struct.unpack_from("<I", raw, at["word"])
        self.refs, = struct.unpack_from("<i", raw, at["refs"])
        self.mapped, = struct.unpack_from("<H", raw, at["mapped"])
        self.owner_id = raw[at["owner_id"]]
        self.zid, self.order = self.word & 0xFF, self.word >> 8 & 0xF
        self.state = board.states.get(self.word >> 12 & 0xF, "?")

    def head(self):
        """The head of the block that holds it, itself if none does."""
        for order in range(self.board.orders):
            page = self.board.page(self.pfn & ~((1 << order) - 1))
            if page and page.state in ("free", "used") and page.order >= order:
                return page
        return self

    def pages(self):
        return 1 << self.order if self.state in ("free", "used") else 1

    def type_name(self):
        first = self.board.page(self.pfn - self.pfn % self.board.block_pages)
        return self.board.types.get(first.block & 7, "?") if first else "?"

    def text(self):
        kind = f"order {self.order}" if self.state in ("free", "used") else "a single page"
        if self.state == "free":
            kind += ", " + (self.board.types.get(self.list_type, "guard"))
        return f"0x{self.pfn:x} {self.state}, {kind}"


def lock_text(lock):
    """'' if it is free, else who waits."""
    owner, drawn = int(lock["owner"]), int(lock["next"])
    waiting = (drawn - owner - 1) % 65536
    return "" if owner == drawn else f"held, {waiting} wait" if waiting else "held"


def symbol_of(address):
    """The function of an address and its line, as far as they are known."""
    block = gdb.block_for_pc(address)
    while block and not block.function:
        block = block.superblock
    name = block.function.print_name if block else ""
    if not name:
        text = gdb.execute(f"info symbol 0x{address:x}", to_string=True)
        name = text.split(" in section")[0].replace(" + ", "+") if "in section" in text else "?"
    line = gdb.find_pc_line(address)
    return f"{name} at {line.symtab.filename}:{line.line}" if line.symtab else name


# ---- commands ----------------------------------------------------------------------------

class Zonal(gdb.Command):
    """Look at Zonal's allocator and scheduler on a board that stands still."""

    def __init__(self):
        super().__init__("zonal", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


COMMANDS = []


def command(function):
    """A subcommand from a function of the board and the argument; its name is the function's."""
    def invoke(self, argument, _from_tty):
        for line in function(Board(), argument.strip()):
            gdb.write(line + "\n")

    body = {"__doc__": function.__doc__, "invoke": invoke,
            "__init__": lambda self: gdb.Command.__init__(self, "zonal " + function.__name__,
                                                          gdb.COMMAND_DATA)}
    COMMANDS.append(type(function.__name__, (gdb.Command,), body))
    return function


@command
def zones(board, _argument):
    """zonal zones: pages and marks of every zone, as `zoneinfo` has them; is its lock held?"""
    yield (f"{'node':>4} {'zone':<8} {'start_pfn':>10} {'present':>10} {'managed':>10} {'free':>10} "
           f"{'min':>7} {'low':>7} {'high':>7} {'boost':>6} {'cma':>7}  lock")
    for zone in board.zones():
        marks = [int(zone["mark"][n]) for n in range(3)]
        yield (f"{int(zone['node']):>4} {board.zone_name(zone):<8} 0x{int(zone['start_pfn']):08x} "
               f"{int(zone['present']):>10} {int(zone['managed']):>10} {int(zone['free']):>10} "
               f"{marks[0]:>7} {marks[1]:>7} {marks[2]:>7} {int(zone['boost']):>6} "
               f"{int(zone['free_cma']):>7}  {lock_text(zone['lock']) or 'free'}")


def walk(board, zone, kind, order):
    """The blocks of a free list, by their links; what is wrong with one ends it."""
    entry = zone["list"][kind][order]
    # The ends of a list that was never used say nothing; its bit is looked at by check.
    at, before, count = int(entry["first"]) if int(entry["count"]) else NONE, NONE, 0
    where = f"node {int(zone['node'])} {board.zone_name(zone)}, list of type {kind} order {order}"
    while at != NONE:
        page = board.page(at)
        if not page or page.state != "free" or page.order != order or page.prev != before \
                or page.list_type != kind or page.zid != int(zone["id"]):
            return count, f"{where}: {page.text() if page else hex(at)} does not belong there"
        at, before, count = page.next, at, count + 1
        if count > int(zone["spanned"]):
            return count, f"{where} runs in a circle"
    if count != int(entry["count"]) or count and int(entry["last"]) != before:
        return count, f"{where} has {count} blocks, its count is {int(entry['count'])}"
    return count, None


@command
def free(board, argument):
    """zonal free NODE: free blocks by type and order, counted by walking the lists."""
    if not argument.isdigit():
        raise gdb.GdbError("zonal free NODE: a number of a node is needed")
    found = [zone for zone in board.zones() if int(zone["node"]) == int(argument)]
    if not found:
        raise gdb.GdbError(f"node {argument} has no memory")
    for zone in found:
        yield f"Node {int(zone['node'])}, zone {board.zone_name(zone)}: free {int(zone['free'])}" + \
            (f", lock {lock_text(zone['lock'])}" if lock_text(zone["lock"]) else "")
        yield f"  {'order':<12}" + "".join(f"{order:>7}" for order in range(board.orders))
        for kind in range(board.type_count):
            walked = [walk(board, zone, kind, order) for order in range(board.orders)]
            yield f"  {board.types[kind]:<12}" + "".join(f"{count:>7}" for count, _ in walked)
            yield from (f"  {fault}" for _, fault in walked if fault)


FLAGS = ("locked lru active rotate isolated writeback slab unevictable mlocked mapping charged comp "
         "hwpoison dirty pfmemalloc referenced").split()


def owner_lines(board, page):
    flags = [name for bit, name in enumerate(FLAGS) if page.word >> (16 + bit) & 1]
    words = struct.unpack_from("<QQ", page.raw)
    yield f"  in use     {page.refs} references, mapped {page.mapped & 0x7fff} times, " \
          f"flags {' '.join(flags) or 'none'}, words 0x{words[0]:x} 0x{words[1]:x}"
    owner = board.mm["owners"][page.owner_id] if page.owner_id else None
    if owner is not None and int(owner["ops"]):
        yield f"  owner      {page.owner_id}, {symbol_of_data(int(owner['ops']))}"
    record = owner_record(board, page.pfn)
    if record is not None and int(record["flags"]) & 1:
        yield f"  taken      gfp 0x{int(record['gfp']):x} by task {int(record['task'])}, " \
              f"at {int(record['time_ns'])} ns (page_owner)"


def symbol_of_data(address):
    text = gdb.execute(f"info symbol 0x{address:x}", to_string=True)
    return text.split(" in section")[0] if "in section" in text else f"0x{address:x}"


def owner_record(board, pfn):
    """What page_owner knows; None if it is off."""
    keeper = board.mm["owner"]
    if not int(keeper):
        return None
    kind = gdb.lookup_type("struct owner_record")
    base = int(keeper["records"]["section"][pfn >> board.section_shift])
    address = base + pfn * kind.sizeof & 0xFFFFFFFFFFFFFFFF
    return gdb.Value(address).cast(kind.pointer()).dereference()


@command
def page(board, argument):
    """zonal page PFN|ADDRESS: state, owner, block and neighbours of a page. ADDRESS is one of RAM, of
    a struct page, or any expression."""
    if not argument:
        raise gdb.GdbError("zonal page PFN|ADDRESS: which page?")
    this = Page(board, board.pfn_of(int(gdb.parse_and_eval(argument)) & 0xFFFFFFFFFFFFFFFF))
    head = this.head()
    zone = board.mm["zone"][this.zid]
    yield f"pfn 0x{this.pfn:x}, address 0x{HIGH + (this.pfn << board.page_shift):x}, " \
          f"struct page 0x{this.address:x}"
    yield f"  state      {this.state}" + \
        ("" if head.pfn == this.pfn and this.pages() == 1 else
         f", block 0x{head.pfn:x} to 0x{head.pfn + head.pages() - 1:x}, order {head.order}, {head.state}")
    if this.state != "hole" and int(zone):
        yield f"  zone       node {int(zone['node'])} {board.zone_name(zone)}"
    yield f"  pageblock  0x{this.pfn - this.pfn % board.block_pages:x}, {this.type_name()}"
    if head.state in ("used", "lone"):
        yield from owner_lines(board, head)
    if head.state == "free":
        yield f"  list       {board.types.get(head.list_type, 'guard')}, order {head.order}"
    for label, pfn in ("before", head.pfn - 1), ("after", head.pfn + head.pages()), \
            ("buddy", head.pfn ^ head.pages()):
        other = board.page(pfn) if pfn >= 0 else None
        yield f"  {label:<10} {other.head().text() if other else 'no memory'}"


def rings(board, lists):
    """Of one CPU for one zone: its pages by list, oldest last."""
    mask, found = int(lists["mask"]), []
    for n in range(length(lists["ring"].type)):
        ring = lists["ring"][n]
        head, tail = int(ring["head"]), int(ring["tail"])
        count = (tail - head) % (1 << 32)
        found.append([int(ring["slot"][(head + i) & mask]) for i in range(min(count, mask + 1))])
    return found


def per_cpu(board):
    """(CPU, zone, its lists there) of the CPUs that serve."""
    for cpu in range(int(board.mm["cpu_count"])):
        mine = board.mm["cpu"][cpu]
        if int(mine) and int(mine["online"]) and int(mine["pcp"]):
            for zone in board.zones():
                yield cpu, zone, mine["pcp"][int(zone["id"])]


@command
def pcp(board, _argument):
    """zonal pcp: what each CPU keeps of each zone: pages, sizes, and pages by list."""
    yield f"{'cpu':>4} {'node':>4} {'zone':<8} {'count':>6} {'high':>6} {'batch':>6}  " + \
        " ".join(f"{board.types[n]:>11}" for n in range(3))
    for cpu, zone, lists in per_cpu(board):
        found = [len(ring) for ring in rings(board, lists)]
        yield f"{cpu:>4} {int(zone['node']):>4} {board.zone_name(zone):<8} {int(lists['count']):>6} " \
              f"{int(lists['high']):>6} {int(lists['batch']):>6}  " + \
              " ".join(f"{count:>11}" for count in found) + \
              ("" if sum(found) == int(lists["count"]) else "  the count is wrong")


# ---- tasks -------------------------------------------------------------------------------

def running():
    """The registers of every core that stands in the upper half: CPU to (pc, frame pointer)."""
    cores, kept = {}, gdb.selected_thread()
    table = upper("arm64_cpus")
    size, base = table.type.target().sizeof, int(table.address)
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        try:
            number = (int(gdb.parse_and_eval("$TPIDR_EL1")) & 0xFFFFFFFFFFFFFFFF) - base
        except gdb.error:
            continue
        pc = int(frame.read_register("pc")) & 0xFFFFFFFFFFFFFFFF
        if 0 <= number < table.type.sizeof and number % size == 0 and pc >= HIGH:
            cores[number // size] = (pc, int(frame.read_register("x29")) & 0xFFFFFFFFFFFFFFFF)
    if kept:
        kept.switch()
    return cores


def backtrace(board, pc, fp):
    """Lines of the chain of frame records from there on."""
    yield f"    #0  0x{pc:016x} {symbol_of(pc)}"
    for depth in range(1, FRAMES):
        try:
            above, back = struct.unpack("<QQ", board.read(fp, 16)) if fp and not fp % 8 else (0, 0)
        except gdb.MemoryError:
            return
        if not back or above == fp:
            return
        yield f"    #{depth:<2} 0x{back:016x} {symbol_of(back - 4)}"
        fp = above
    yield "    ... cut"


@command
def tasks(board, _argument):
    """zonal tasks: every task of the scheduler, each with its backtrace."""
    states, cores, queues = enum("task_state", "TASK_"), running(), upper("run_queues")
    task = upper("'sched/registry.c'::registry")["first"]
    while int(task):
        cpu, state = int(task["cpu"]), states.get(int(task["state"]), "?")
        yield f"task {int(task['id'])} \"{task['name'].string()}\" cpu {cpu} priority " \
              f"{int(task['priority'])} {state}"
        context = task["context"]
        # An idle task says that it runs while another one has its core.
        if int(queues[cpu]["current"]) != int(task):
            yield from backtrace(board, int(context["x30"]), int(context["x29"]))
        elif cpu in cores:
            yield from backtrace(board, *cores[cpu])
        else:
            yield "    its core stands at EL0, or in the firmware"
        task = task["all_next"]


# ---- locks -------------------------------------------------------------------------------

STATIC_LOCKS = (
    ("the table of user tasks", "'user/process.c'::table_lock"),
    ("the map of stacks", "'arch/arm64/kernel/stack_map.c'::stack_lock"),
    ("the page tables", "'arch/arm64/kernel/mmu.c'::map_lock"),
    ("the list of tasks", "'sched/registry.c'::registry.lock"),
    ("the pool of task structs", "'sched/task_memory.c'::pool_lock"),
    ("the console", "'platform/console.c'::lock"),
)


def all_locks(board):
    """(what it guards, the lock)."""
    for zone in board.zones():
        yield f"zone {board.zone_name(zone)} of node {int(zone['node'])}", zone["lock"]
    for nid in range(length(board.mm["node"].type)):
        node = board.mm["node"][nid]
        if int(node):
            yield f"the lists of node {nid}", node["reclaim"]["lru"]["lock"]
            yield f"the late pages of node {nid}", node["deferred"]["lock"]
    yield "the list of shrinkers", board.mm["shrinker_lock"]
    yield "the members of cpusets", board.mm["cpusets"]["lock"]
    yield "the members of memory groups", board.mm["groups"]["lock"]
    yield "claims and what they keep", board.mm["claims"]["lock"]
    queues = upper("run_queues")
    for cpu in range(int(upper("run_queue_count"))):
        yield f"run queue of CPU {cpu}", queues[cpu]["lock"]
    for text, expression in STATIC_LOCKS:
        yield text, upper(expression)


@command
def locks(board, _argument):
    """zonal locks: the spinlocks that are held, and how many CPUs wait for each."""
    count = held = 0
    for text, lock in all_locks(board):
        count += 1
        if lock_text(lock):
            held += 1
            yield f"{lock_text(lock):<16} {text}"
    yield f"{held} of {count} locks are held"


# ---- check -------------------------------------------------------------------------------

def check_lists(board, zone):
    """Lists against links, counts and the zone's own counters."""
    total = special = 0
    for kind in range(board.type_count):
        bits = 0
        for order in range(board.orders):
            count, fault = walk(board, zone, kind, order)
            bits |= (count > 0) << order
            if fault:
                yield fault
            if board.types[kind] != "isolate":
                total += count << order
            if board.types[kind] == "cma":
                special += count << order
        if bits != int(zone["filled"][kind]):
            yield f"filled[{kind}] is 0x{int(zone['filled'][kind]):x}, the lists say 0x{bits:x}"
    if total != int(zone["free"]):
        yield f"free is {int(zone['free'])}, the lists hold {total}"
    if special != int(zone["free_cma"]):
        yield f"free_cma is {int(zone['free_cma'])}, the lists hold {special}"


def check_pages(board):
    """The page map from block to block: pages of each zone by state."""
    count = collections.defaultdict(collections.Counter)
    for section in range(int(board.mm["section_count"])):
        at, end = board.bounds(section)
        while at < end:
            this = Page(board, at)
            if this.state != "hole":
                count[this.zid][this.state] += this.pages()
            at += this.pages()
    return count


@command
def check(board, _argument):
    """zonal check: lists, counters, per-CPU lists and the page map, each against the others."""
    faults, seen = [], check_pages(board)
    kept = collections.Counter()
    for cpu, zone, lists in per_cpu(board):
        pages = [at for ring in rings(board, lists) for at in ring]
        kept[int(zone["id"])] += len(pages)
        if len(pages) != int(lists["count"]):
            faults.append(f"CPU {cpu} counts {int(lists['count'])} pages and has {len(pages)}")
    for zone in board.zones():
        name = f"node {int(zone['node'])} {board.zone_name(zone)}"
        halfway = f" (its lock is {lock_text(zone['lock'])})" if lock_text(zone["lock"]) else ""
        states = seen[int(zone["id"])]
        zone_faults = list(check_lists(board, zone))
        if states["pcp"] != kept[int(zone["id"])]:
            zone_faults.append(f"{states['pcp']} pages say pcp, CPUs have {kept[int(zone['id'])]}")
        if states["inner"] + states["tail"]:
            zone_faults.append(f"{states['inner'] + states['tail']} pages are inside of no block")
        managed = sum(states[s] for s in states if s != "reserved") + int(zone["deferred"])
        if managed != int(zone["managed"]):
            zone_faults.append(f"managed is {int(zone['managed'])}, the map has {managed}")
        faults += [f"{name}{halfway}: {fault}" for fault in zone_faults]
    yield from faults
    total = sum(sum(states.values()) for states in seen.values())
    yield f"check: {len(faults)} faults" if faults else f"check: {total} pages, every invariant holds"


Zonal()
for each in COMMANDS:
    each()
