#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Disks from outside: what the image reads and writes against the file behind the disk.

Both register layouts; sizes from one sector on; a read-only file; a disk that fails, and one that
does not answer; and QEMU killed while it writes, after which everything that was flushed
before must be in the file.
"""
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
import zlib

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test"))
import board  # noqa: E402
from selection import run_cases  # noqa: E402

SEED = int(os.environ.get("KT_SEED", "0")) or random.randrange(1, 1 << 31)
LAYOUTS = "modern", "legacy"
WORD = (1 << 64) - 1
FOLDER = tempfile.TemporaryDirectory(prefix="zonal-disk-")


def new_file(name, size, seed):
    path = os.path.join(FOLDER.name, name)
    with open(path, "wb") as file:
        file.write(random.Random(seed).randbytes(size))
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def fill_bytes(seed, offset, size):
    """What `disk fill` writes; offset and size are multiples of 8."""
    out = bytearray()
    for place in range(offset // 8, (offset + size) // 8):
        x = (place + seed * 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9 & WORD
        x ^= x >> 29
        x = x * 0x94d049bb133111eb & WORD
        out += (x ^ x >> 32).to_bytes(8, "little")
    return bytes(out)


def run(commands, disk="", layout="modern", qemu=(), shape="uma"):
    return board.run(shape, commands, *qemu, DISK=disk, VIRTIO=layout)


def missing(lines, *wanted):
    return [f"missing: {text}" for text in wanted if text not in lines]


def crc_line(name, data):
    return f"{name} from 0, {len(data)} bytes: crc32 {zlib.crc32(data):08x}"


def every_byte_is_read_and_written(layout):
    path = new_file(layout, 3 << 20, SEED)
    before = content(path)
    status, lines = run(["disk checksum vda", "disk fill vda 1048576 524288 7",
                         "disk write vda 4090 across_two_pages", "disk checksum vda",
                         "disk flush vda", "disk drop vda", "disk checksum vda", "disk -j",
                         "disk cache -j"], path, layout)
    want = bytearray(before)
    want[1 << 20:(1 << 20) + 524288] = fill_bytes(7, 1 << 20, 524288)
    want[4090:4106] = b"across_two_pages"
    bad = [] if status == 0 else [f"status {status}"]
    bad += missing(lines, crc_line("vda", before), "disk: vda: flushed", "disk: vda: 768 pages dropped")
    if lines.count(crc_line("vda", bytes(want))) != 2:
        bad.append("the image does not read what it wrote")
    if content(path) != want:
        bad.append("the file does not hold what was written")
    records = {r["schema"]: r for r in map(json.loads, (x for x in lines if x.startswith("{")))}
    disk = records["zonal.disk/1"]["disks"][0]
    cache = records["zonal.diskcache/1"]
    if disk["sectors"] != 6144 or disk["errors"] or disk["flushes"] != 1 or disk["failed"]:
        bad.append(f"disk: {disk}")
    if cache["disks"][0]["cached"] != 768 or sum(n["cached"] for n in cache["nodes"]) != 768 or \
            cache["disks"][0]["dirty"]:
        bad.append(f"cache: {cache}")
    return bad


def modern_disk_keeps_every_byte():
    return every_byte_is_read_and_written("modern")


def legacy_disk_keeps_every_byte():
    return every_byte_is_read_and_written("legacy")


def disks_of_odd_sizes_work_side_by_side():
    sizes = 512, 4096, 4608, 1234 * 512
    paths = [new_file(f"odd{i}", size, SEED + i) for i, size in enumerate(sizes)]
    before = [content(path) for path in paths]
    commands = []
    for i, size in enumerate(sizes):
        name = "vd" + "abcd"[i]
        commands += [f"disk checksum {name}", f"disk write {name} {size - 5} the_end",
                     f"disk write {name} {size - 3} end", f"disk flush {name}"]
    status, lines = run(commands, " ".join(paths), LAYOUTS[SEED % 2])
    bad = [] if status == 1 else [f"status {status}"]
    for i, path in enumerate(paths):
        name = "vd" + "abcd"[i]
        bad += missing(lines, crc_line(name, before[i]),
                       f"disk: {name}: write: not on the disk (-22)", f"disk: {name}: flushed")
        if content(path) != before[i][:-3] + b"end":
            bad.append(f"{name}: the file of {sizes[i]} bytes is not as it should be")
    return bad


def read_only_disk_refuses_to_write():
    path = new_file("readonly", 8192, SEED)
    before = content(path)
    node = f"if=none,id=r,format=raw,readonly=on,file={path}"
    status, lines = run(["disk", "disk write vda 0 never", "disk flush vda", "disk checksum vda"],
                        qemu=("-drive", node, "-device", "virtio-blk-device,drive=r"))
    bad = [] if status == 1 else [f"status {status}"]
    bad += missing(lines, "disk vda: 16 sectors of 512 bytes, read-only",
                   "disk: vda: write: the disk is read-only (-30)", "disk: vda: flushed",
                   crc_line("vda", before))
    return bad + ([] if content(path) == before else ["the file has changed"])


def disk_with_large_blocks_gets_whole_ones():
    path = new_file("blocks", 64 << 10, SEED)
    before = content(path)
    size = "logical_block_size=4096,physical_block_size=4096"
    status, lines = run(["disk", "disk write vda 5000 word", "disk flush vda"],
                        qemu=("-drive", f"if=none,id=b,format=raw,file={path}", "-device",
                              f"virtio-blk-device,drive=b,{size}"))
    bad = [] if status == 0 else [f"status {status}"]
    if "blocks of 4096" not in "\n".join(lines):
        bad.append("its blocks are not named")
    return bad + ([] if content(path) == before[:5000] + b"word" + before[5004:] else ["wrong bytes"])


def board_without_a_disk_says_so():
    status, lines = run(["disk", "disk read vda 0", "disk -j", "disk cache", "disk nonsense"])
    bad = [] if status == 1 else [f"status {status}"]
    return bad + missing(lines, "disk: this board has no disk",
                         "disk: vda: no such disk; disk list shows them",
                         '{"schema":"zonal.disk/1","disks":[]}',
                         "disk: nonsense: no such command; help disk lists them")


def mistakes_are_named():
    path = new_file("mistakes", 4096, SEED)
    status, lines = run(["disk read vda 5000", "disk read vda 0 x", "disk fill vda 1 8 1",
                         "disk checksum vda 1 4096", "disk read vda", "disk timeout vda never",
                         "disk read vda 4090"], path)
    bad = [] if status == 1 else [f"status {status}"]
    return bad + missing(lines, "disk: 5000: an offset on this disk is a number up to 4096",
                         "disk: x: what is left of the disk is a number up to 4096",
                         "disk: 1 8: fill takes multiples of 8",
                         "disk: 4096: what is left of the disk is a number up to 4095",
                         "disk: read takes 2 to 3 words more",
                         "disk: never: a time in milliseconds is a number up to 3600000",
                         "00000ffa  " + " ".join(f"{b:02x}" for b in content(path)[4090:]))


def errors_of_the_disk_reach_who_asked_and_the_log_once():
    path = new_file("errors", 1 << 20, SEED)
    rules = os.path.join(FOLDER.name, "rules")
    with open(rules, "w") as file:
        file.write('[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "1024"\n'
                   'iotype = "read"\n[inject-error]\nevent = "write_aio"\nerrno = "5"\n'
                   'sector = "8"\niotype = "write"\n')
    drive = f"if=none,id=e,format=raw,file=blkdebug:{rules}:{path}"
    status, lines = run(["disk write vda 4096 lost", "disk flush vda", "disk read vda 524288 1",
                         "disk read vda 524288 1", "disk read vda 0 1", "disk"],
                        qemu=("-drive", drive, "-device", "virtio-blk-device,drive=e"))
    bad = [] if status == 1 else [f"status {status}"]
    bad += missing(lines, "disk: vda: flush: the disk failed (-5)")
    if lines.count("disk: vda: read: the disk failed (-5)") != 2:
        bad.append("the reads do not both say that they failed")
    if sum("more are only counted" in line for line in lines) != 1:
        bad.append("the log does not name the error once")
    if not any(line.startswith("00000000  ") for line in lines):
        bad.append("the rest of the disk cannot be read")
    return bad


def disk_that_does_not_answer_is_given_up():
    bad = []
    for layout in LAYOUTS:
        path = new_file("silent", 1 << 20, SEED)
        drive = f"if=none,id=s,format=raw,file={path},throttling.iops-total=1"
        force = ("-global", "virtio-mmio.force-legacy=false") if layout == "modern" else ()
        status, lines = run(["disk timeout vda 300", "disk read vda 0 1", "disk checksum vda",
                             "disk read vda 8192 1", "disk", "check"],
                            qemu=(*force, "-drive", drive, "-device", "virtio-blk-device,drive=s"))
        text = "\n".join(lines)
        if status != 1 or not re.search(r"disk vda: no answer to a read of .* it is given up", text):
            bad.append(f"{layout}: status {status}: {text[-600:]}")
        bad += missing(lines, "check: every invariant holds")
        if "given up;" not in text:
            bad.append(f"{layout}: the list does not say that it is given up")
    return bad


# ---- killed while it writes --------------------------------------------------------------

BLOCK = 4096


def kill_round(number, layout, dice):
    """Fill a range, flush, fill it anew, flush, ... until QEMU is killed. Every block must hold
    what the last flush that was reported left there, or something that was written later."""
    blocks, part = 512, 64
    path = new_file("killed", blocks * BLOCK, SEED + number)
    fills = []
    for i in range(40):
        first = dice.randrange(blocks - part)
        fills.append((i + 1, first, 1 + dice.randrange(part)))
    commands = []
    for seed, first, count in fills:
        commands += [f"disk fill vda {first * BLOCK} {count * BLOCK} {seed}", "disk flush vda",
                     f"echo flushed {seed}"]
    original = content(path)
    boot = board.Board("uma", "", DISK=path, VIRTIO=layout)
    deadline = time.monotonic() + board.TIMEOUT
    if not boot.read_until(board.PROMPT, deadline):
        return [f"round {number}: no prompt"]
    boot.type("\r".join(commands).encode() + b"\r")
    boot.read_until(f"\nflushed {dice.randrange(1, 12)}\r".encode(), deadline)
    time.sleep(dice.random() * 0.05)
    # The script that started it has become QEMU itself.
    os.kill(boot.process.pid, signal.SIGKILL)
    boot.process.wait()
    boot.read_until(None, time.monotonic() + 5)
    done = [int(n) for n in re.findall(rb"\nflushed (\d+)\r", boot.seen)]
    return check_blocks(number, path, original, fills, max(done, default=0))


def check_blocks(number, path, original, fills, done):
    data, bad = content(path), []
    for block in range(len(data) // BLOCK):
        at = block * BLOCK
        writes = [seed for seed, first, count in fills if first <= block < first + count]
        last = max((seed for seed in writes if seed <= done), default=0)
        allowed = [original[at:at + BLOCK]] if not last else [fill_bytes(last, at, BLOCK)]
        allowed += [fill_bytes(seed, at, BLOCK) for seed in writes if seed > done][:2]
        if data[at:at + BLOCK] not in allowed:
            bad.append(f"round {number}: block {block} is not what flush {done} left there")
    return bad[:3] + ([] if done else [f"round {number}: nothing was flushed"])


def what_was_flushed_survives_a_kill():
    dice, bad = random.Random(SEED), []
    print(f"# seed {SEED}")
    for number in range(4):
        bad += kill_round(number, LAYOUTS[number % 2], dice)
    return bad


def programs_are_soaked_while_the_disk_is_read_and_written():
    """user_soak.* finds the disk; what it read and wrote, and what it left there."""
    path = new_file("soak", 4 << 20, SEED)
    status, lines = run(["test user_soak.*", "disk checksum vda"], path, shape="2n")
    said = re.search(r"# (.*), (\d+) transfers, (\d+) out, (\d+) in", "\n".join(lines))
    bad = [] if status == 0 else [f"status {status}"]
    bad += missing(lines, "# 1 of 1 passed", crc_line("vda", content(path)))
    # Whether anything is swapped is drawn; where it must be is pressure.t.
    if not said or not int(said[2]):
        bad.append("nothing was transferred")
    return bad + [f"  {line}" for line in lines[-30:] if bad]


CASES = [modern_disk_keeps_every_byte, legacy_disk_keeps_every_byte,
         disks_of_odd_sizes_work_side_by_side, read_only_disk_refuses_to_write,
         disk_with_large_blocks_gets_whole_ones, board_without_a_disk_says_so, mistakes_are_named,
         errors_of_the_disk_reach_who_asked_and_the_log_once,
         disk_that_does_not_answer_is_given_up, what_was_flushed_survives_a_kill,
         programs_are_soaked_while_the_disk_is_read_and_written]

sys.exit(run_cases("disk", CASES, (KeyError, ValueError, IndexError)))
