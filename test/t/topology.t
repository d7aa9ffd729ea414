#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The host program `topology` on every board of dts/, on built and on broken blobs.

Each dts/*.dts carries its answer in lines that start with //@, taken from the board's
table or from the rule it is about, not from the program:

  //@ numa WORD                          "numa" of the JSON
  //@ node N ram START+SIZE... cpus MPIDR[-MPIDR]... near NODE...
  //@ distance N: D...                   of one node to all; default 10 and 20
  //@ reserved START+SIZE FLAGS          default: none
  //@ dma ADDRESS                        default: no limit
  //@ note PATH                          a warning about PATH; each must be named
  //@ offline CPU...                     indices; default: none
  //@ qemu ARGUMENTS                     QEMU's own tree of the board has the same answer
  //@ error PATH TEXT                    refused: exit status 1, PATH and TEXT in the line

All lines but `qemu` together are the whole answer. A second reader in Python counts memory
and CPUs again. TOPOLOGY names another build of the program.
"""
import glob
import itertools
import json
import os
import random
import re
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test"))
import fdt_reader as fdt  # noqa: E402
from selection import GLOBS, plan, selected  # noqa: E402

OUT = os.path.join(ROOT, os.environ.get("O", "build"))
PROGRAM = os.environ.get("TOPOLOGY", os.path.join(OUT, "host", "topology"))
BLOBS = os.path.join(OUT, "dts")
results = []


def report(name, faults):
    if not selected("topology." + name):
        return
    results.append(not faults)
    print(f"{'not ' if faults else ''}ok {len(results)} - topology.{name}")
    for fault in faults:
        print(f"# {fault}")


def run(path, *options):
    # A sanitizer's finding must not look like a refusal, which is 1 too.
    marked = {**os.environ, "ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "exitcode=99"}
    try:
        done = subprocess.run([PROGRAM, path, *options], capture_output=True, timeout=20, env=marked)
    except subprocess.TimeoutExpired:
        return None, "", "did not end in 20 s"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def number_list(words):
    found = []
    for word in words:
        first, _, last = word.partition("-")
        found += range(int(first, 0), int(last or first, 0) + 1)
    return found


def span(word):
    start, size = word.split("+")
    return [int(start, 0), int(size, 0)]


def expectation(path):
    want = {"numa": None, "nodes": {}, "distance": {}, "reserved": [], "dma": None, "notes": [],
            "offline": [], "error": None, "qemu": None}
    for line in open(path, encoding="utf-8"):
        if not line.startswith("//@ "):
            continue
        key, *words = line[4:].split()
        if key == "node":
            node = {"ram": [], "cpus": [], "near": []}
            for word in words[1:]:
                if word in node:
                    into = node[word]
                else:
                    into.append(word)
            want["nodes"][int(words[0])] = {"ram": [span(w) for w in node["ram"]],
                                            "cpus": number_list(node["cpus"]),
                                            "near": [int(w) for w in node["near"]]}
        elif key == "distance":
            want["distance"][int(words[0].rstrip(":"))] = [int(w) for w in words[1:]]
        elif key == "reserved":
            want["reserved"].append(span(words[0]) + [" ".join(words[1:])])
        elif key == "note":
            want["notes"].append(words[0])
        elif key == "offline":
            want["offline"] = number_list(words)
        elif key == "qemu":
            want["qemu"] = words
        elif key == "error":
            want["error"] = (words[0], " ".join(words[1:]))
        else:
            want[key] = int(words[0], 0) if key == "dma" else words[0]
    return want


def compare(what, got, want, faults):
    if got != want:
        faults.append(f"{what}: got {got}")
        faults.append(f"{' ' * len(what)}  want {want}")


def note_paths(stderr):
    paths = []
    for line in stderr.splitlines():
        if line.startswith("topology: "):
            head = line[len("topology: "):].split(": ")[0]
            paths.append(head.split(" = ")[0])
    return paths


def check_error(want, status, stdout, stderr, faults):
    path, text = want["error"]
    compare("exit status", status, 1, faults)
    compare("standard output", stdout, "", faults)
    if path not in stderr or text not in stderr:
        faults.append(f"error names neither {path} nor '{text}': {stderr.strip()}")


def check_answer(want, answer, faults):
    compare("numa", answer["numa"], want["numa"], faults)
    ids = [n["node"] for n in answer["nodes"]]
    compare("nodes", ids, sorted(want["nodes"]), faults)
    for node in answer["nodes"]:
        expected = want["nodes"].get(node["node"], {"ram": [], "cpus": [], "near": []})
        name = f"node {node['node']}"
        compare(f"{name} ranges", node["ranges"], expected["ram"], faults)
        mpidrs = [answer["cpus"][i]["mpidr"] for i in node["cpus"]]
        compare(f"{name} cpus", mpidrs, expected["cpus"], faults)
        compare(f"{name} fallback", node["fallback"], expected["near"], faults)
    default = [[10 if a == b else 20 for b in ids] for a in ids]
    rows = [want["distance"].get(n, default[i]) for i, n in enumerate(ids)]
    compare("distance", answer["distance"], rows, faults)
    reserved = [[*r, f] for r, f in zip(answer["reserved"], answer["reserved_flags"])]
    compare("reserved", reserved, want["reserved"], faults)
    compare("dma", answer["dma_max"], want["dma"], faults)
    offline = [c["cpu"] for c in answer["cpus"] if not c["online"]]
    compare("offline", offline, want["offline"], faults)
    compare("cpu numbers", [c["cpu"] for c in answer["cpus"]], list(range(len(answer["cpus"]))), faults)
    by_node = {i: n["node"] for n in answer["nodes"] for i in n["cpus"]}
    compare("nodes of cpus", [c["node"] for c in answer["cpus"]],
            [by_node.get(c["cpu"]) for c in answer["cpus"]], faults)


def check_second_reader(blob, answer, faults):
    """What the Python reader finds, less what a no-map range or a torn page took."""
    root, _ = fdt.read(blob)
    compare("second reader: cpus", [c["mpidr"] for c in answer["cpus"]], fdt.cpu_ids(root), faults)
    pages = fdt.memory_pages(root)
    ranges = [r for n in answer["nodes"] for r in n["ranges"]]
    nomap = [r for r, f in zip(answer["reserved"], answer["reserved_flags"]) if "no-map" in f]
    inside = sum(max(0, min(last * 4096, s + z) - max(first * 4096, s))
                 for first, last in pages for s, z in ranges + nomap)
    total = sum(last - first for first, last in pages) * 4096
    borders = len(ranges)
    if not total - borders * 4096 <= inside <= total:
        faults.append(f"second reader: {total} bytes of RAM, the ranges hold {inside}")
    if "linux,usable-memory" not in str([n.props.keys() for n in root.children]):
        outside = sum(z for _, z in ranges) - sum(
            max(0, min(last * 4096, s + z) - max(first * 4096, s))
            for first, last in pages for s, z in ranges)
        compare("second reader: bytes that are no RAM", outside, 0, faults)


def check_board(source):
    name = os.path.basename(source)[:-4]
    path = os.path.join(BLOBS, name + ".dtb")
    made = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path, source],
                          capture_output=True, text=True)
    want, faults = expectation(source), []
    if made.returncode:
        faults.append(f"dtc: {made.stderr.strip()}")
    status, stdout, stderr = run(path, "-j")
    if want["error"]:
        check_error(want, status, stdout, stderr, faults)
    else:
        check_accepted(want, path, faults)
    report(name, faults)
    if want["qemu"]:
        check_qemu(name, want)


def check_accepted(want, path, faults):
    status, stdout, stderr = run(path, "-j")
    compare("exit status", status, 0, faults)
    compare("notes", note_paths(stderr), want["notes"], faults)
    if status == 0:
        answer = json.loads(stdout)
        compare("lines", stdout.count("\n"), 1, faults)
        compare("schema", answer["schema"], "zonal.topology/1", faults)
        check_answer(want, answer, faults)
        check_second_reader(open(path, "rb").read(), answer, faults)


def check_qemu(name, want):
    """QEMU writes the tree of the board that the .dts copies by hand; ids may stand otherwise."""
    path, faults = os.path.join(BLOBS, name + "-real.dtb"), []
    command = ["qemu-system-aarch64", "-display", "none", "-nodefaults", "-nic", "none", "-machine",
               f"virt,dumpdtb={path}", *want["qemu"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode or not os.path.exists(path):
        faults.append(f"{' '.join(command)}: {done.stderr.strip()}")
    else:
        check_accepted(want, path, faults)
    report(name + "-real", faults)


def check_hostile():
    rules = {"fdt-circular-alias": "an alias must be a full path",
             "fdt-hang-267": "a property must be no longer than what remains",
             "fdt-misaligned-rsvmap-357": "the reserve map must lie on 8 bytes",
             "fdt-null-deref-379": "the version must be 17 or newer"}
    for name, rule in rules.items():
        faults = []
        status, stdout, stderr = run(os.path.join(ROOT, "test/fixtures/hostile", name + ".dtb"))
        compare("exit status", status, 1, faults)
        compare("standard output", stdout, "", faults)
        if rule not in stderr:
            faults.append(f"the rule is not '{rule}': {stderr.strip()}")
        report(f"refuses-{name}", faults)


def board(memory=(), cpus=1, root=None, extra=()):
    """A tree with (start, size) ranges of node 0, each in its own memory node."""
    nodes = [fdt.node(f"memory@{s:x}", {"device_type": "memory", "numa-node-id": 0,
                                        "reg": [s >> 32, s & 0xffffffff, z >> 32, z & 0xffffffff]})
             for s, z in memory]
    cores = [fdt.node(f"cpu@{i:x}", {"device_type": "cpu", "reg": i}) for i in range(cpus)]
    nodes.append(fdt.node("cpus", {"#address-cells": 1, "#size-cells": 0}, cores))
    return fdt.node("", root or {"#address-cells": 2, "#size-cells": 2}, nodes + list(extra))


def run_blob(name, blob, *options):
    path = os.path.join(BLOBS, name + ".dtb")
    with open(path, "wb") as f:
        f.write(blob)
    return run(path, *options)


def config(name):
    """A number of include/zonal/config.h."""
    text = open(os.path.join(ROOT, "include/zonal/config.h"), encoding="utf-8").read()
    return int(re.search(rf"#define {name} (\d+)", text)[1])


def check_cpus():
    """One CPU more than the table takes, and many more: the rest is left out with one line."""
    faults, most = [], config("ZONAL_MAX_CPUS")
    for count in (most - 1, most, most + 1, 2 * most):
        status, stdout, stderr = run_blob(f"cpus-{count}",
                                          fdt.write(board([(0x40000000, 1 << 30)], count)), "-j")
        compare(f"status with {count}", status, 0, faults)
        cpus = json.loads(stdout)["cpus"] if status == 0 else []
        compare(f"cpus of {count}", [c["mpidr"] for c in cpus], list(range(min(count, most))), faults)
        compare(f"lines with {count}", stderr.count("ZONAL_MAX_CPUS; the rest is left out"),
                int(count > most), faults)
    report("table-of-cpus", faults)


def reserved_memory(kept):
    """A /reserved-memory of (start, size, no-map)."""
    return fdt.node("reserved-memory", {"#address-cells": 2, "#size-cells": 2, "ranges": b""}, [
        fdt.node(f"r@{s:x}", {"reg": [s >> 32, s & 0xffffffff, 0, z], **({"no-map": b""} if gone else {})})
        for s, z, gone in kept])


def answer_of(name, root, faults):
    """The answer for a tree that must be accepted, and how many lines name ZONAL_MAX_RANGES."""
    status, stdout, stderr = run_blob(name, fdt.write(root), "-j")
    compare(f"status of {name}", status, 0, faults)
    lines = stderr.count("ZONAL_MAX_RANGES") + sum(map(int, re.findall(r"and (\d+) more", stderr)))
    return json.loads(stdout) if status == 0 else None, lines


def ram_of(answer):
    return [tuple(r) for n in answer["nodes"] for r in n["ranges"]]


def check_ranges():
    """The table of RAM with N - 1, N and more ranges: what has no place is left out with a line."""
    faults, most = [], config("ZONAL_MAX_RANGES")
    apart = [(0x40000000 + i * 0x200000, 0x100000) for i in range(2 * most)]
    for count in (most - 1, most, most + 1, 2 * most):
        answer, lines = answer_of(f"table-of-ranges-{count}", board(apart[:count]), faults)
        compare(f"ranges of {count}", answer and ram_of(answer), apart[:min(count, most)], faults)
        compare(f"lines of {count}", lines, max(0, count - most), faults)
    report("table-of-ranges", faults)


def check_split():
    """A full table and a no-map range inside a range of RAM: the smallest ranges make room."""
    faults, most = [], config("ZONAL_MAX_RANGES")
    apart = [(0x40000000 + i * 0x200000, 0x100000 - (i == 7) * 0x1000 - (i == 9) * 0x2000)
             for i in range(most)]
    gone = (apart[3][0] + 0x4000, 0x1000, True)
    answer, lines = answer_of("table-split", board(apart, extra=[reserved_memory([gone])]), faults)
    start = apart[3][0]
    want = [r for i, r in enumerate(apart) if i not in (3, 7, 9)]
    want += [(start, 0x4000), (start + 0x5000, 0x100000 - 0x5000)]
    # The piece of 16 KiB is the smallest of all once it is there.
    compare("ranges", answer and set(want) - set(ram_of(answer)) <= {(start, 0x4000), apart[9]}, True, faults)
    compare("lines", lines, 2, faults)
    report("table-of-ranges-splits", faults)


def check_reserved():
    """The table of reservations: gaps are filled, smallest first, and nothing is forgotten."""
    faults, most = [], config("ZONAL_MAX_RANGES")
    kept = [(0x40000000 + i * 0x200000, 0x1000 + (i % 5) * 0x1000, False) for i in range(2 * most)]
    for count in (most - 1, most, most + 1, 2 * most):
        tree = board([(0x40000000, 0x80000000)], extra=[reserved_memory(kept[:count])])
        answer, lines = answer_of(f"table-of-reserved-{count}", tree, faults)
        compare(f"lost of {count}", answer and handed_out(answer, kept[:count]), [], faults)
        compare(f"entries of {count}", answer and len(answer["reserved"]), min(count, most), faults)
        compare(f"lines of {count}", lines, max(0, count - most), faults)
    report("table-of-reserved", faults)


def handed_out(answer, kept):
    """Which reservations somebody could be given a byte of: RAM that is not reserved."""
    taken = [tuple(r) for r in answer["reserved"]]
    lost = []
    for start, size, _ in kept:
        for ram, bytes_ in ram_of(answer):
            low, high = max(ram, start), min(ram + bytes_, start + size)
            for s, z in sorted(taken):
                if s <= low < s + z:
                    low = s + z
            if low < high:
                lost.append((start, size))
    return lost


def check_reserved_at_random():
    """Far too many of everything, of two kinds that cannot be one: no byte of it is handed out."""
    seed = int(os.environ.get("KT_SEED", "1"))
    faults, dice = [], random.Random(seed)
    for round_ in range(6):
        memory = [(0x40000000 + i * 0x400000, dice.randrange(1, 0x400) * 0x1000)
                  for i in range(dice.choice((1, 200, 300)))]
        kept = sorted((0x40000000 + dice.randrange(0x40000) * 0x1000, dice.randrange(1, 60) * 0x1000,
                       dice.random() < 0.5) for _ in range(dice.choice((300, 600))))
        if round_ % 2:
            kept = [(0x40000000 + i * 0x100000, 0x1000, i % 2 == 0) for i in range(600)]
        answer, _ = answer_of(f"table-random-{round_}",
                              board(memory, extra=[reserved_memory(kept)]), faults)
        compare(f"lost in round {round_}", answer and handed_out(answer, kept), [], faults)
        compare(f"any RAM in round {round_}", bool(answer and ram_of(answer)), True, faults)
    print(f"# seed {seed}")
    report("table-of-reserved-at-random", faults)


def check_tables():
    check_cpus()
    check_ranges()
    check_split()
    check_reserved()
    check_reserved_at_random()
    one = fdt.write(fdt.node("", {"#address-cells": 2, "#size-cells": 2}, [fdt.node(
        "memory", {"device_type": "memory", "reg": [0, 0x40000000, 0, 0x1000] * 100000})]))
    status, stdout, _ = run_blob("one-range-100000-times", one, "-j")
    faults = []
    compare("exit status", status, 0, faults)
    compare("ranges", status == 0 and json.loads(stdout)["nodes"][0]["ranges"], [[0x40000000, 0x1000]],
            faults)
    report("one-range-100000-times", faults)


def nested(depth):
    inner = fdt.node("n")
    for _ in range(depth - 2):
        inner = fdt.node("n", {}, [inner])
    return board([(0x40000000, 0x1000)], extra=[inner])


def check_shapes():
    faults = []
    plain = board([(0x40000000, 0x10000000)])
    whole = fdt.write(plain)
    status, _, _ = run_blob("padded-1m", fdt.write(plain, pad_to=1 << 20), "-j")
    compare("padded to 1 MiB", status, 0, faults)
    status, _, _ = run_blob("padded-2m", fdt.write(plain, pad_to=2 << 20), "-j")
    compare("padded to 2 MiB", status, 0, faults)
    for size in ((2 << 20) + 1, 3 << 20):
        status, _, stderr = run_blob("padded-more", fdt.write(plain, pad_to=size), "-j")
        compare(f"padded to {size}", (status, "FDT_WALK_MAX_BYTES" in stderr), (1, True), faults)
    for length in (0, 1, 39, 40, len(whole) - 1):
        status, _, _ = run_blob("cut", whole[:length], "-j")
        compare(f"cut to {length} bytes", status, 1, faults)
    for depth, want in ((31, 0), (32, 0), (33, 1), (65, 1), (500, 1)):
        status, _, stderr = run_blob("deep", fdt.write(nested(depth)), "-j")
        compare(f"{depth} deep", status, want, faults)
    many = fdt.write(board([(0x40000000, 1 << 30)]), [(0x40000000 + i * 0x1000, 0x1000) for i in range(9)])
    status, stdout, _ = run_blob("memreserve-9", many, "-j")
    compare("nine /memreserve/ that touch", status == 0 and json.loads(stdout)["reserved"],
            [[0x40000000, 0x9000]], faults)
    report("size-and-depth", faults)


def check_orders():
    """Memory nodes in each of the 120 orders of five nodes, with the same answer."""
    faults, answers = [], set()
    memory = [fdt.node(f"memory@{i}", {"device_type": "memory", "numa-node-id": i,
                                       "reg": [i, 0, 0, 0x10000000]}) for i in range(5)]
    for order in itertools.permutations(memory):
        root = fdt.node("", {"#address-cells": 2, "#size-cells": 2}, order)
        answers.add(run_blob("order", fdt.write(root), "-j"))
    compare("different answers", len(answers), 1, faults)
    compare("status", {a[0] for a in answers}, {0}, faults)
    report("memory-nodes-in-any-order", faults)


def random_board(dice):
    """Memory nodes and reserved regions that overlap at will, on a grid of quarter pages."""
    memory, kept = [], []
    for _ in range(dice.randint(1, 6)):
        ranges = [(dice.randrange(0, 256), dice.randrange(0, 80))
                  for _ in range(dice.randint(1, 3))]
        memory.append((dice.randrange(4), ranges))
    for _ in range(dice.randint(0, 6)):
        kept.append((dice.randrange(0, 300), dice.randrange(1, 40), dice.random() < 0.5))
    nodes = [fdt.node("memory", {"device_type": "memory", "numa-node-id": nid, "reg": [
        c for start, size in ranges for c in (0, 0x40000000 + start * 0x400, 0, size * 0x400)]})
        for nid, ranges in memory]
    regions = [fdt.node(f"r{i}", {"reg": [0, 0x40000000 + start * 0x400, 0, size * 0x400],
                                  **({"no-map": b""} if gone else {})})
               for i, (start, size, gone) in enumerate(kept)]
    parent = fdt.node("reserved-memory", {"#address-cells": 2, "#size-cells": 2, "ranges": b""}, regions)
    root = fdt.node("", {"#address-cells": 2, "#size-cells": 2}, nodes + [parent])
    return root, memory, kept


def model_pages(memory, kept):
    """Page -> node of the RAM, and page -> whether it is off the map, of what is reserved."""
    ram, chunk = set(), {}
    for nid, ranges in memory:
        for start, size in ranges:
            ram |= set(range(-(-start // 4), (start + size) // 4))
            chunk.update((c, nid) for c in range(start, start + size))
    owner = {p: {chunk[c] for c in range(4 * p, 4 * p + 4)} for p in ram}
    owner = {p: ids.pop() for p, ids in owner.items() if len(ids) == 1}
    ram = set(owner)
    flags, mapped, off = {}, set(), set()
    for start, size, gone in kept:
        pages = set(range(start // 4, -(-(start + size) // 4)))
        meets = mapped & pages and pages & ram
        if gone and meets and pages & ram <= off:
            continue
        cut = gone and not meets
        if not gone:
            mapped |= pages
        off |= pages if cut else set()
        for page in pages:
            flags[page] = flags.get(page, False) or cut
    return {p: nid for p, nid in owner.items() if p not in off}, flags


def pages_of(spans):
    return {p: value for start, size, value in spans
            for p in range((start - 0x40000000) // 4096, (start + size - 0x40000000) // 4096)}


def check_random():
    """Random boards against a model that knows pages only. KT_SEED replays."""
    seed = int(os.environ.get("KT_SEED", "1"))
    seed = int(os.environ.get("KT_SEED", "1"))
    faults, dice = [], random.Random(seed)
    for round_ in range(60):
        root, memory, kept = random_board(dice)
        status, stdout, stderr = run_blob("random", fdt.write(root), "-j")
        if status != 0:
            faults.append(f"round {round_}: status {status}, {stderr.strip()}")
            break
        answer = json.loads(stdout)
        got = pages_of([(*r, n["node"]) for n in answer["nodes"] for r in n["ranges"]])
        flags = pages_of([(*r, f == "no-map")
                          for r, f in zip(answer["reserved"], answer["reserved_flags"])])
        if (got, flags) != model_pages(memory, kept):
            faults.append(f"round {round_}: memory {memory}, reserved {kept}: got {stdout}")
            break
    print(f"# seed {seed}")
    report("random-boards-match-a-model", faults)


def heap_order(keys):
    """Where 5.10's sort leaves the indices of `keys`: the way down as a list, which is cut and turned."""
    order = list(range(len(keys)))

    def sink(top, end):
        path = [top]
        while 2 * path[-1] + 1 < end:
            below = [p for p in (2 * path[-1] + 1, 2 * path[-1] + 2) if p < end]
            path.append(max(below, key=lambda p: (keys[order[p]], -p)))
        while len(path) > 1 and keys[order[path[-1]]] <= keys[order[top]]:
            path.pop()
        values = [order[p] for p in path]
        for place, value in zip(path, values[1:] + values[:1]):
            order[place] = value

    for top in range(len(keys) // 2 - 1, -1, -1):
        sink(top, len(keys))
    for end in range(len(keys) - 1, 0, -1):
        order[0], order[end] = order[end], order[0]
        sink(0, end)
    return order


def random_dynamic(dice):
    """RAM, reserved ranges and regions to be placed, in pages from 1 GiB on."""
    ram = sorted({p for _ in range(dice.randint(1, 3))
                  for first in [dice.randrange(0, 200)] for p in range(first, first + dice.randint(1, 90))})
    regions = []
    for _ in range(dice.randint(1, 9)):
        if dice.random() < 0.3:
            regions.append({"at": dice.randrange(0, 290), "size": dice.randint(1, 12)})
        else:
            bounds = [(dice.randrange(0, 250), dice.randint(1, 60)) for _ in range(dice.randint(1, 2))]
            regions.append({"at": None, "size": dice.randint(1, 50), "align": 1 << dice.randint(0, 4),
                            "bounds": bounds if dice.random() < 0.6 else None,
                            "no-map": dice.random() < 0.3})
    return ram, regions


def dynamic_board(ram, regions):
    spans = []
    for page in ram:
        if spans and spans[-1][0] + spans[-1][1] == page:
            spans[-1][1] += 1
        else:
            spans.append([page, 1])
    nodes = []
    for i, r in enumerate(regions):
        if r["at"] is not None:
            props = {"reg": [0, 0x40000000 + r["at"] * 4096, 0, r["size"] * 4096]}
        else:
            props = {"size": [0, r["size"] * 4096], "alignment": [0, r["align"] * 4096]}
            if r["bounds"]:
                props["alloc-ranges"] = [c for at, size in r["bounds"]
                                         for c in (0, 0x40000000 + at * 4096, 0, size * 4096)]
            if r["no-map"]:
                props["no-map"] = b""
        nodes.append(fdt.node(f"r{i}", props))
    parent = fdt.node("reserved-memory", {"#address-cells": 2, "#size-cells": 2, "ranges": b""}, nodes)
    return board([(0x40000000 + s * 4096, z * 4096) for s, z in spans], extra=[parent])


def model_place(ram, regions, order):
    """Each region at the highest place that is free: page -> no-map or not, and how many were placed."""
    taken = {p for r in regions if r["at"] is not None for p in range(r["at"], r["at"] + r["size"])}
    free, placed, count = set(ram) - taken, {}, 0
    for r in (regions[i] for i in order if regions[i]["at"] is None):
        for first, room in r["bounds"] or [(0, 1 << 20)]:
            last = min(first + room, 400) - r["size"]
            fits = [p for p in range(last, first - 1, -1) if p % r["align"] == 0 and
                    all(q in free for q in range(p, p + r["size"]))]
            if fits:
                pages = set(range(fits[0], fits[0] + r["size"]))
                free -= pages
                placed.update((p, r["no-map"]) for p in pages)
                count += 1
                break
    return placed, count


def model_dynamic(ram, regions):
    keys = [(r["at"] + (1 << 18), r["size"]) if r["at"] is not None else (0, 0) for r in regions]
    order = heap_order(keys)
    placed, count = model_place(ram, regions, order)
    if count < sum(r["at"] is None for r in regions):
        slack = [sum(z for _, z in r["bounds"]) - r["size"] if r.get("bounds") else 1 << 20 for r in regions]
        other, more = model_place(ram, regions, sorted(order, key=lambda i: max(slack[i], 0)))
        if more > count:
            return other
    return placed


def check_random_dynamic():
    """Regions that are placed, against a model that tries every page. KT_SEED replays."""
    seed = int(os.environ.get("KT_SEED", "1"))
    faults, dice, tight = [], random.Random(seed), 0
    for round_ in range(120):
        ram, regions = random_dynamic(dice)
        status, stdout, stderr = run_blob("random", fdt.write(dynamic_board(ram, regions)), "-j")
        want = model_dynamic(ram, regions)
        tight += "not placed" in stderr
        if status != 0:
            faults.append(f"round {round_}: status {status}, {stderr.strip()}")
            break
        answer = json.loads(stdout)
        got = pages_of([(*r, "no-map" in f) for r, f in zip(answer["reserved"], answer["reserved_flags"])
                        if "placed" in f])
        if got != want:
            faults.append(f"round {round_}: ram {ram}, regions {regions}: got {got}, want {want}")
            break
    print(f"# seed {seed}, {tight} boards were too small for all")
    report("random-placed-regions-match-a-model", faults)


def patched(blob, offset, value):
    return blob[:offset] + struct.pack(">I", value) + blob[offset + 4:]


def check_broken():
    """One field of a sound blob spoilt at a time."""
    blob = fdt.write(board([(0x40000000, 0x10000000)]))
    at = struct.unpack_from(">I", blob, 8)[0]
    size = struct.unpack_from(">I", blob, 36)[0]
    cases = [("magic", 0, 0xd00dfeee), ("totalsize 39", 4, 39), ("totalsize 2^32-1", 4, 0xffffffff),
             ("structure outside", 8, len(blob) + 4), ("structure in the header", 8, 36),
             ("structure not on 4", 8, at + 2), ("strings outside", 12, 0xfffffff0),
             ("reserve map outside", 16, len(blob)), ("reserve map not on 8", 16, 44),
             ("reserve map endless", 16, at), ("version 16", 20, 16), ("needs version 18", 24, 18),
             ("strings too long", 32, 0xffffffff), ("structure too long", 36, 0xfffffffc),
             ("structure cut", 36, size - 4), ("FDT_END before the end", 36, size + 4),
             ("root has a name", at + 4, 0x61000000),
             ("unknown token", at, 5), ("a token is END_NODE first", at, 2),
             ("property before root", at, 3), ("no root", at, 9),
             ("property length 2^32-1", at + 12, 0xffffffff),
             ("property name outside", at + 16, 0x7fffffff)]
    faults = []
    for name, offset, value in cases:
        status, stdout, stderr = run_blob("broken", patched(blob, offset, value), "-j")
        if status != 1 or stdout or stderr.count("\n") != 1:
            faults.append(f"{name}: status {status}, {stderr.strip()}")
    tail = blob[:at + size - 4] + blob[at:at + size] + blob[at + size:]
    two = bytearray(patched(patched(tail, 36, 2 * size - 4), 12,
                            struct.unpack_from(">I", blob, 12)[0] + size - 4))
    two[4:8] = struct.pack(">I", len(two))
    status, _, stderr = run_blob("two-roots", bytes(two), "-j")
    compare("two roots", (status, "one root node" in stderr), (1, True), faults)
    report("one-broken-field", faults)


def check_usage():
    faults = []
    for arguments, want in ((["-x"], 2), ([], 2), (["a", "b"], 2), (["/nonexistent.dtb"], 2)):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
        compare(f"{arguments}", (done.returncode, done.stdout, done.stderr.count("\n")), (want, "", 1), faults)
    text = run(os.path.join(BLOBS, "qemu-2n.dtb"))[1]
    for line in ("node 1: 1024 MiB, cpus 2-3", "fallback 1 0"):
        if line not in text:
            faults.append(f"the text lacks '{line}'")
    report("usage-and-text", faults)


def main():
    os.makedirs(BLOBS, exist_ok=True)
    sources = sorted(glob.glob(os.path.join(ROOT, "dts", "*.dts")))
    real = [s for s in sources if "//@ qemu " in open(s, encoding="utf-8").read()]
    if not GLOBS:
        print(plan(len(sources) + len(real) + 16))
    for source in sources:
        check_board(source)
    check_hostile()
    check_tables()
    check_shapes()
    check_orders()
    check_random()
    check_random_dynamic()
    check_broken()
    check_usage()
    if GLOBS:
        print(plan(len(results)))
    return 0 if all(results) else 1


sys.exit(main())
