#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How large the library is, by the parts that a build has: `make lib-sizes`.

Text is what a program links that sets up an instance, takes a page and gives it back
(tools/lib/least.c), code and constants, for arm64 with gcc -Os -fomit-frame-pointer and
--gc-sections, less the program and the template port. Metadata is what zonal_plan() says of 1 GiB of RAM with four CPUs, by a
program that runs here. Both for boards of at most 4 nodes and 8 CPUs.
"""
import os
import subprocess
import sys
import tempfile

import tree

CROSS = os.environ.get("CROSS_COMPILE") or "aarch64-linux-gnu-"
COMMON = ["-std=gnu11", "-Os", "-ffreestanding", "-fno-stack-protector", "-ffunction-sections",
          "-fdata-sections", "-fomit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables",
          "-DZONAL_AMALGAM", "-DZONAL_MAX_NODES=4", "-DZONAL_MAX_CPUS=8"]
ARM64 = ["-mgeneral-regs-only", "-mno-outline-atomics"]
LEAST = ("RECLAIM", "OOM", "CMA", "GROUPS", "DEFERRED", "AIDS", "POLICY", "MOBILITY", "WATERMARKS",
         "LANES", "TEXTS", "ASSERTS")


def without(count):
    return [f"-DZONAL_{part}=0" for part in LEAST[:count]]


ROWS = [
    ("everything", []),
    ("no reclaim, compaction, OOM, CMA", without(3)),
    ("the same, no groups, deferred pages, aids: policies and cpusets", without(6)),
    ("the same, no policies: mobility, watermarks, lanes", without(7)),
    ("zones, buddy, per-CPU lists", without(10)),
    ("the same, no texts", without(11)),
    ("the same, no assertions", without(12)),
    ("everything, pages of 16 KiB", ["-DZONAL_PAGE_SHIFT=14"]),
    ("everything, pages of 64 KiB", ["-DZONAL_PAGE_SHIFT=16"]),
]


def run(folder, *words):
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: status {done.returncode}")
    return done.stdout


def text_of(folder, flags):
    """Bytes of code and constants that come from zonal.o."""
    for name, source in SOURCES.items():
        run(folder, CROSS + "gcc", *COMMON, *ARM64, *flags, *INCLUDE, "-c", source, "-o", name)
    run(folder, CROSS + "ld", "--gc-sections", "-e", "least", "--unresolved-symbols=ignore-all",
        "-o", "linked", *SOURCES)
    total = 0
    for name in ("linked", "least.o", "port.o"):
        size = run(folder, CROSS + "size", "-B", name).splitlines()[1].split()
        total += int(size[0]) * (1 if name == "linked" else -1)
    return total


def metadata_of(folder, flags):
    run(folder, "gcc", *COMMON, *flags, *INCLUDE, "-DLEAST_HOST", *SOURCES.values(), "-o", "least")
    return [int(word) for word in run(folder, "./least").split()]


def begin(folder):
    """The pair of files is there, and what is compiled below."""
    run(folder, sys.executable, os.path.join(tree.ROOT, "tools/amalgam.py"), folder)
    INCLUDE.extend(["-I", folder, "-I", TEMPLATE + "/include"])
    SOURCES["zonal.o"] = folder + "/zonal.c"


def main():
    with tempfile.TemporaryDirectory() as folder:
        begin(folder)
        print(f"{'parts':64s} {'text':>7s} {'metadata a GiB':>14s} {'instance':>8s}")
        for name, flags in ROWS:
            bytes_, instance = metadata_of(folder, flags)
            print(f"{name:64s} {text_of(folder, flags):7d} {bytes_:14d} {instance:8d}", flush=True)


TEMPLATE = os.path.join(tree.ROOT, "arch/template")
INCLUDE = []
SOURCES = {"zonal.o": None, "port.o": TEMPLATE + "/template_port.c",
           "least.o": os.path.join(tree.ROOT, "tools/lib/least.c")}

if __name__ == "__main__":
    main()
