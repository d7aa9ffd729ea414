#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The addresses of a panic as file and line.

    tools/panic.py LOG [ELF]      LOG is what the console printed, - for standard input

ELF is $O/zonal.elf unless it is given. Of several panics in a log the last one is read. An image
runs where it was loaded, so the distance to the addresses of the ELF is found from the names
that the log has beside them; if no distance fits all of these, or the log's first line names a
version that the ELF does not have, it is another build, and one line says so. Functions that the
compiler inlined are shown too. It needs addr2line of the cross binutils, or LLVM's.
"""
import collections
import os
import re
import shutil
import struct
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PLACE = re.compile(r"^[# ]+(elr|lr|far|\d+) +([0-9a-f]{16})  (?:(\S+)\+0x([0-9a-f]+)|(.*))$")
NESTED = re.compile(r"^[# ]+fault while reporting: .* (elr) ([0-9a-f]+) far [0-9a-f]+$")
BEGIN = re.compile(r"^[# ]+((?:panic|.* at EL\d|[^:]*) on CPU \d+(?:$|, .*)|fault while reporting: .*)")
END = re.compile(r"^[# ]*Bail out! ")
BANNER = re.compile(r"Zonal (\S+), (?:gcc|clang) ")

Line = collections.namedtuple("Line", "label address name offset text")


class Fault(Exception):
    """What the reader is told in one line."""


def read_panic(text):
    """Version, first line and places of the last panic of a log; the version may be None."""
    lines = text.replace("\r", "").split("\n")
    ends = [n for n, line in enumerate(lines) if END.match(line)]
    begins = [n for n, line in enumerate(lines) if BEGIN.match(line) and (not ends or n < ends[-1])]
    # Its own banner is the last one before it.
    if not begins:
        raise Fault("there is no panic in it")
    first = begins[-1]
    versions = [m.group(1) for m in map(BANNER.search, lines[:first]) if m]
    places = []
    for line in lines[first:ends[-1] if ends else len(lines)]:
        match = PLACE.match(line) or NESTED.match(line)
        if match:
            label, address, name, offset, rest = (match.groups() + (None,) * 3)[:5]
            places.append(Line(label, int(address, 16), name, int(offset or "0", 16), rest))
    return versions[-1] if versions else None, BEGIN.match(lines[first]).group(1), places


def read_symbols(image):
    """Of an ELF file of 64 bits, little end first: the addresses of each name, and all of text."""
    if image[:6] != b"\x7fELF\x02\x01":
        raise Fault("is no ELF file of 64 bits")
    start, = struct.unpack_from("<Q", image, 40)
    size, count = struct.unpack_from("<HH", image, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, start + n * size) for n in range(count)]
    symbols = collections.defaultdict(set)
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, at)
            end = image.index(b"\0", names + name)
            symbols[image[names + name:end].decode(errors="replace")].add(value)
    if "_start" not in symbols or "_end_text" not in symbols:
        raise Fault("has no symbols of this image")
    return symbols


def find_shift(places, symbols):
    """How far the image ran from where it was linked."""
    named = [p for p in places if p.name]
    shifts = [{p.address - p.offset - value for value in symbols.get(p.name, ())} for p in named]
    votes = collections.Counter(s for some in shifts for s in some)
    if not named:
        return 0
    best = max(votes, key=lambda s: (votes[s], -abs(s))) if votes else 0
    for place, some in zip(named, shifts):
        if best not in some:
            raise Fault(f"is another build: {place.name}+0x{place.offset:x} of the log is not "
                        f"at {place.address:016x} in it")
    return best


def addr2line():
    cross = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-")
    names = [cross + "addr2line", "aarch64-linux-gnu-addr2line", "aarch64-none-elf-addr2line",
             "llvm-addr2line", "llvm-addr2line-14"]
    found = [name for name in names if shutil.which(name)]
    if not found:
        raise Fault(f"needs {names[0]}, of the cross binutils, or llvm-addr2line")
    return found[0]


def short(path):
    """From the root of the tree on, wherever that was when the image was built."""
    parts = path.split("/")
    for n in range(len(parts)):
        if n < len(parts) - 1 and os.path.exists(os.path.join(ROOT, *parts[n:])):
            return "/".join(parts[n:])
    return path


def look_up(elf, addresses):
    """Of each address: [(function, file:line)…], the innermost first."""
    if not addresses:
        return {}
    out = subprocess.run([addr2line(), "-afi", "-e", elf] + [hex(a) for a in addresses],
                         capture_output=True, text=True, check=True).stdout.splitlines()
    found, current, at = {}, None, 0
    while at < len(out):
        if re.fullmatch(r"0x[0-9a-f]+", out[at]):
            current = found.setdefault(int(out[at], 16), [])
            at += 1
            continue
        file, _, line = out[at + 1].partition(" ")[0].rpartition(":")
        current.append((out[at], f"{short(file)}:{line}"))
        at += 2
    return found


def show(heading, places, shift, symbols, elf):
    first, end = min(symbols["_start"]) + shift, min(symbols["_end_text"]) + shift
    # A return address is behind its call; the first of a backtrace and the ELR are the place itself.
    back = {p: 4 if p.label == "lr" or (p.label.isdigit() and p.label != "0") else 0 for p in places}
    inside = [p for p in places if first <= p.address - back[p] < end]
    found = look_up(elf, [p.address - back[p] - shift for p in inside])
    print(heading)
    for place in places:
        if place not in inside:
            print(f"  {place.label:>3}  {place.address:016x}                     "
                  f"{place.text or 'is not in the text of the image'}")
            continue
        # A part of a function that the compiler cut off is "inlined" in its own name.
        chain = list(dict.fromkeys(found[place.address - back[place] - shift]))
        for depth, (function, where) in enumerate(chain):
            label = "" if depth else place.label
            print(f"  {label:>3}  {where:<36} {function}"
                  f"{', inlined in' if depth < len(chain) - 1 else ''}")


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("--"):
        print("usage: tools/panic.py LOG|- [ELF]", file=sys.stderr)
        return 1
    log = sys.argv[1]
    elf = sys.argv[2] if len(sys.argv) > 2 else \
        os.path.join(ROOT, os.environ.get("O", "build"), "zonal.elf")
    about = log
    try:
        data = sys.stdin.buffer.read() if log == "-" else open(log, "rb").read()
        version, heading, places = read_panic(data.decode(errors="replace"))
        about = os.path.relpath(elf)
        with open(elf, "rb") as file:
            image = file.read()
        symbols = read_symbols(image)
        if version and version.encode() + b"\0" not in image:
            raise Fault(f"is another build: the log is of Zonal {version}")
        show(heading, places, find_shift(places, symbols), symbols, elf)
    except Fault as fault:
        print(f"panic.py: {about}: {fault}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"panic.py: {about}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
