#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Swap from outside: programs that need more memory than the board has.

To compressed RAM, to a disk, to both by priority; what does not compress; an area that is full; and
disks that are missing, too small, read-only, that fail in reads or in writes, and one that stops
answering under load. What is lost is the program that needs it, and nothing else.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test"))
from selection import run_cases  # noqa: E402

TIMEOUT = float(os.environ.get("BOOT_TIMEOUT", "300"))
FOLDER = tempfile.TemporaryDirectory(prefix="zonal-swap-")
PAGES = 8192          # of the board "small"
DENSE = 1 << 48       # press: contents that do not compress
GOOD = "check: every invariant holds"


def press(percent, rounds=2, number=1, flags=0):
    return f"user run press {PAGES * percent // 100 | rounds << 24 | number << 32 | flags}"


def new_file(name, size):
    path = os.path.join(FOLDER.name, name)
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def run(commands, bootargs="", disk="", qemu=()):
    environment = dict(os.environ, SHAPE="small", EL="1", GIC="3", CPU="max", DISK=disk,
                       VIRTIO="modern")
    line = f"{bootargs} run={';'.join(commands)} exit=semihosting".replace("; ", ";")
    words = line.split("run=", 1)
    line = words[0] + "run=" + words[1].rsplit(" exit=", 1)[0].replace(" ", "+") + " exit=semihosting"
    done = subprocess.run(["tools/run_qemu.sh", line.strip(), *qemu], cwd=ROOT, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    return done.returncode, done.stdout.decode(errors="replace").replace("\r", "").split("\n")


def missing(lines, *patterns):
    return [f"missing: {p}" for p in patterns if not any(re.fullmatch(p, x) for x in lines)]


def areas(lines):
    """The last record of `swap -j`, by name."""
    records = [json.loads(x) for x in lines if x.startswith('{"schema":"zonal.swap/1"')]
    return {area["name"]: area for area in records[-1]["areas"]}


def unused(lines):
    return [f"{a['name']}: {a['used']} pages are still in it" for a in areas(lines).values()
            if a["used"] or a["held_pages"]]


def free_pages(lines):
    return [int(x.split()[1]) for x in lines if x.startswith("nr_free_pages ")]


def to_ram_and_back():
    status, lines = run([press(10), "vmstat", press(130), "swap -j", "vmstat", "check"],
                        "swap=ram:64M")
    bad = [] if status == 0 else [f"status {status}"]
    bad += missing(lines, GOOD) + unused(lines)
    area = areas(lines)["ram0"]
    if not area["out"] or not area["in"] or area["errors"]:
        bad.append(f"area: {area}")
    before, after = free_pages(lines)
    if after < before - 64:
        bad.append(f"{before} pages were free, {after} are")
    counts = {x.split()[0]: int(x.split()[1]) for x in lines if x.startswith("pswp")}
    if counts["pswpout"] != area["out"] or counts["pswpin"] != area["in"]:
        bad.append(f"vmstat says {counts}, the area {area['out']} out, {area['in']} in")
    return bad


def to_a_disk_and_back():
    path = new_file("disk", 64 << 20)
    status, lines = run(["swap format vda", "swap on disk:vda", press(130, flags=DENSE), "swap -j",
                         "disk -j", "check"], disk=path)
    bad = [] if status == 0 else [f"status {status}: {lines[-12:]}"]
    bad += missing(lines, GOOD) + unused(lines)
    area = areas(lines)["vda"]
    if area["out"] < 2000 or not area["in"] or area["errors"]:
        bad.append(f"area: {area}")
    disk = json.loads(next(x for x in lines if x.startswith('{"schema":"zonal.disk/1"')))
    if disk["disks"][0]["most_in_flight"] < 8:
        bad.append(f"at most {disk['disks'][0]['most_in_flight']} writes were under way at a time")
    return bad


def what_does_not_compress_goes_to_the_disk_behind():
    path = new_file("behind", 64 << 20)
    status, lines = run(["swap format vda", "swap on ram:64M,disk:vda", press(130, flags=DENSE),
                         press(130), "swap -j", "check"], disk=path)
    bad = [] if status == 0 else [f"status {status}: {lines[-12:]}"]
    bad += missing(lines, GOOD) + unused(lines)
    found = areas(lines)
    if list(found) != ["ram0", "vda"] or not found["ram0"]["refused"] or not found["vda"]["out"] or \
            not found["ram0"]["out"]:
        bad.append(f"areas: {found}")
    return bad


def a_full_area_ends_who_needs_more_and_nobody_else():
    status, lines = run([press(130), press(50), "swap -j", "check"], "swap=ram:1M")
    bad = [] if status == 1 else [f"status {status}"]
    bad += missing(lines, GOOD, r"user: task \d+ exited, status 0") + unused(lines)
    if not any(re.match(r"user: task \d+ (faulted|killed)", x) for x in lines):
        bad.append("the program that needed more did not end")
    return bad


def disks_that_are_no_swap_are_refused():
    small, plain = new_file("tiny", 32 << 10), new_file("plain", 1 << 20)
    status, lines = run(["swap on disk:vda", "swap on disk:vdb", "swap format vda", "swap off vdb",
                         "swap on ram:1K", "swap on nonsense", "swap on disk:vdq", "swap", "check"],
                        "swap=disk:vdb", f"{small} {plain}")
    bad = [] if status == 1 else [f"status {status}"]
    bad += missing(lines, "swap: disk:vda: the disk is too small: swap needs 16 pages",
                   "swap: vda: the disk is too small: swap needs 16 pages",
                   "swap: vdb: no swap area has that name",
                   "swap: ram:1K: a swap area has 16 pages to 2\\^21",
                   "swap: nonsense: an area is ram:SIZE or disk:NAME",
                   "swap: vdq: no such disk; disk list shows them",
                   "swap: there is no area", GOOD)
    if lines.count("swap: disk:vdb: the disk holds no swap header: swap format writes one") != 2:
        bad.append("the disk without a header is not refused twice")
    drive = f"if=none,id=r,format=raw,readonly=on,file={plain}"
    status, lines = run(["swap format vda", "swap on disk:vda"],
                        qemu=("-drive", drive, "-device", "virtio-blk-device,drive=r"))
    bad += [] if status == 1 else [f"read-only: status {status}"]
    return bad + missing(lines, "swap: vda: the disk is read-only",
                         "swap: disk:vda: the disk is read-only")


def failing(name, event, kind, first, count):
    path, rules = new_file(name, 64 << 20), os.path.join(FOLDER.name, name + ".rules")
    with open(rules, "w") as file:
        for sector in range(first, first + 8 * count, 8):
            file.write(f'[inject-error]\nevent = "{event}"\nerrno = "5"\nsector = "{sector}"\n'
                       f'iotype = "{kind}"\n')
    return ("-drive", f"if=none,id=e,format=raw,file=blkdebug:{rules}:{path}", "-device",
            "virtio-blk-device,drive=e")


def a_page_that_cannot_be_read_ends_its_program_alone():
    status, lines = run(["swap format vda", "swap on disk:vda", press(130, flags=DENSE), press(50),
                         "swap -j", "check"], qemu=failing("reads", "read_aio", "read", 800, 4))
    bad = [] if status == 1 else [f"status {status}"]
    bad += missing(lines, GOOD, r"user: task \d+ faulted, status -1",
                   r"user: task \d+ exited, status 0",
                   r"#   far [0-9a-f]{16}  its page cannot be read from swap") + unused(lines)
    return bad


def pages_that_cannot_be_written_stay():
    status, lines = run(["swap format vda", "swap on disk:vda", press(130, flags=DENSE), "swap -j",
                         "check"], qemu=failing("writes", "write_aio", "write", 800, 40))
    bad = [] if status == 0 else [f"status {status}: {lines[-12:]}"]
    bad += missing(lines, GOOD) + unused(lines)
    return bad + ([] if areas(lines)["vda"]["errors"] else ["no write failed"])


def a_disk_that_stops_answering_costs_what_is_on_it():
    path = new_file("silent", 64 << 20)
    drive = f"if=none,id=s,format=raw,file={path},throttling.iops-total=40"
    status, lines = run(["swap format vda", "swap on disk:vda", "disk timeout vda 100",
                         press(130, flags=DENSE), press(50), "swap -j", "check"],
                        qemu=("-drive", drive, "-device", "virtio-blk-device,drive=s"))
    bad = [] if status == 1 else [f"status {status}"]
    bad += missing(lines, GOOD, r"user: task \d+ exited, status 0",
                   r"disk vda: no answer to a \w+ of .* it is given up",
                   r"swap vda: the disk is gone; what is there is lost to its programs")
    return bad + unused(lines) + ([] if areas(lines)["vda"]["dead"] else ["it is not dead"])


CASES = [to_ram_and_back, to_a_disk_and_back, what_does_not_compress_goes_to_the_disk_behind,
         a_full_area_ends_who_needs_more_and_nobody_else, disks_that_are_no_swap_are_refused,
         a_page_that_cannot_be_read_ends_its_program_alone, pages_that_cannot_be_written_stay,
         a_disk_that_stops_answering_costs_what_is_on_it]

sys.exit(run_cases("swap", CASES, (KeyError, ValueError, IndexError, StopIteration,
                                   subprocess.TimeoutExpired)))
