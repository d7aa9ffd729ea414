#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The device trees of every board that Debian's arm64 kernel brings, hundreds of them.

Each goes through the topology program under the sanitizers, and memory and CPUs must be what the
reader in Python (test/fdt_reader.py) finds. Many have no memory yet, for their firmware fills it in:
for those one line says so, and they go through once more with memory given to them.
tools/setup.sh unpacks the trees of the package linux-image-arm64 to $O/sysroot/trees.
"""
import glob
import json
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test"))
import fdt_reader as fdt  # noqa: E402
from selection import run_cases  # noqa: E402

OUT = os.path.join(ROOT, os.environ.get("O", "build"))
PROGRAM = os.environ.get("TOPOLOGY", os.path.join(OUT, "host-gcc-asan", "topology"))
TREES = sorted(glob.glob(os.path.join(OUT, "sysroot/trees/**/*.dtb"), recursive=True))
MADE = os.path.join(OUT, "dts", "debian.dtb")
GIVEN = (0x40000000, 0x20000000)
LEAST = 400  # Debian 12 brings 577


def run(path):
    # A sanitizer's finding must not look like a refusal, which is 1 too.
    marked = {**os.environ, "ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "exitcode=99"}
    done = subprocess.run([PROGRAM, path, "-j"], capture_output=True, timeout=60, env=marked,
                          check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")


def overlap(pages, spans):
    return sum(max(0, min(last * 4096, s + z) - max(first * 4096, s))
               for first, last in pages for s, z in spans)


def memory_faults(answer, pages):
    """RAM of the answer, with what no-map took, is that of the reader, but for torn border pages."""
    spans = [span for node in answer["nodes"] for span in node["ranges"]]
    taken = [r for r, flags in zip(answer["reserved"], answer["reserved_flags"]) if "no-map" in flags]
    total = sum(last - first for first, last in pages) * 4096
    found = overlap(pages, spans + taken)
    outside = sum(size for _, size in spans) - overlap(pages, spans)
    if outside or not total - 4096 * len(spans) <= found <= total:
        return [f"{total} bytes of RAM, {found} are told, {outside} are none"]
    return []


def cpu_faults(answer, root):
    found, want = [cpu["mpidr"] for cpu in answer["cpus"]], fdt.cpu_ids(root)
    return [] if found == want else [f"CPUs {found}, the reader has {want}"]


def accepted(path, root):
    status, stdout, stderr = run(path)
    if status:
        return [f"status {status}: {stderr.strip()[-300:]}"]
    answer = json.loads(stdout)
    return memory_faults(answer, fdt.memory_pages(root)) + cpu_faults(answer, root)


def with_memory(root):
    """The same tree with 512 MiB, as its firmware would hand it over."""
    a, s = root.count("#address-cells"), root.count("#size-cells")
    reg = [0] * (a - 1) + [GIVEN[0]] + [0] * (s - 1) + [GIVEN[1]]
    root.children = [c for c in root.children if c.text("device_type") != "memory"]
    root.children.insert(0, fdt.node(f"memory@{GIVEN[0]:x}", {"device_type": "memory", "reg": reg}))
    return root


def tree_faults(path, counts):
    with open(path, "rb") as file:
        root, _ = fdt.read(file.read())
    if fdt.memory_pages(root):
        counts["as they are"] += 1
        return accepted(path, root)
    status, _, stderr = run(path)
    if status or "no usable range: a board must have memory" not in stderr:
        return [f"no memory: status {status}, {stderr.strip()[-300:]}"]
    counts["given memory"] += 1
    with open(MADE, "wb") as file:
        file.write(fdt.write(with_memory(root)))
    return accepted(MADE, root)


def every_tree_is_read_as_a_reader_in_another_language_does():
    faults, counts = [], {"as they are": 0, "given memory": 0}
    os.makedirs(os.path.dirname(MADE), exist_ok=True)
    for path in TREES:
        faults += [f"{os.path.basename(path)}: {fault}" for fault in tree_faults(path, counts)]
    print(f"# {len(TREES)} trees: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    if len(TREES) < LEAST:
        faults.append(f"{len(TREES)} trees, {LEAST} expected")
    return faults[:40]


sys.exit(run_cases("debian_boards", [every_tree_is_read_as_a_reader_in_another_language_does],
                   subprocess.TimeoutExpired))
