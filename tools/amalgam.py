#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One pair of files for who embeds the core: zonal.c and zonal.h.

    tools/amalgam.py FOLDER

zonal.h is the public headers, one after the other. zonal.c is mm/ and lib/ with their own headers,
each put where it is included first. Port and types stay the embedder's: port_impl.h (or what
-DZONAL_PORT_HEADER names) is included and not put in.

Nothing in zonal.c meets a name of the program that it becomes a part of, whatever the port's
header includes: what the sources write short (lib/prefix.h, <zonal/short_names.h>) is written out,
what they declare for themselves, macros, types and functions, gets zn_ in front, and functions
that only the core itself calls are static, so that all symbols are zonal_*.

The text is read by what the sources hold to anyway: an include or a declaration begins in the first
column, a header has a guard, comments and strings are as in C90.
"""
import os
import re
import subprocess
import sys

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
GUARD = re.compile(r"^#ifndef (\w+_H)$")
SHORT = re.compile(r"^#define (\w+) (\w+)$", re.M)
TOKEN = re.compile(r"""/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\#\s*include[^\n]*"""
                   r"|\b(?:struct|enum|union)\s+(?:[A-Z_]+\s+)?\w+|\b[A-Za-z_]\w*", re.S)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
NO_NAME = re.compile(r"(struct|enum|union)( \w+)?( \{|;)|\w+\(")
DECLARED = re.compile(r"\b(\w+)(?:\(|\[|;| =)")

# Who includes zonal.h asks with these for more of it.
LINUX = "ZONAL_LINUX_NAMES"
PORT = "ZONAL_PORT"

# The folder of a part, and the value of <zonal/config.h> that leaves it out.
PARTS = [("mm/reclaim/", "ZONAL_RECLAIM"), ("mm/compact/", "ZONAL_RECLAIM"),
         ("mm/oom/", "ZONAL_OOM")]

# All that there is of a C library.
FOREIGN = {"NULL", "memcpy", "memset"}

# Programs at EL0 are no business of the library; the others have a place of their own.
NOT_ALWAYS = {"user.h", "linux.h", "short_names.h", "port.h"}


def version():
    run = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=tree.ROOT,
                         capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


def essay(*lines):
    licence = tree.lines("LICENSE")
    return ["/*"] + [(" * " + line).rstrip() for line in licence] + [" *"] + [
        (" * " + line).rstrip() for line in lines] + [" */"]


def resolve(path, name):
    for folder in (os.path.dirname(path), "", "include"):
        found = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(os.path.join(tree.ROOT, found)):
            return found
    return None


def body(path):
    """The lines of a file without its licence line and, of a header, without its guard."""
    lines = tree.lines(path)
    if lines and "SPDX-License-Identifier" in lines[0]:
        lines = lines[1:]
    for i, line in enumerate(lines):
        if GUARD.match(line) and lines[i + 1] == "#define " + GUARD.match(line).group(1):
            end = max(j for j, text in enumerate(lines) if text == "#endif")
            return lines[:i] + [lines[i + 1]] + lines[i + 2:end] + lines[end + 1:]
    return lines


class Text:
    """Files one behind the other, each once, what they include before them."""

    def __init__(self, apart=()):
        self.out = []
        self.done = set()
        self.apart = apart

    def put(self, path):
        if path in self.done or path in self.apart:
            return
        self.done.add(path)
        self.out += ["", "/* ---- %s %s */" % (path, "-" * max(1, 84 - len(path)))]
        for line in body(path):
            match = INCLUDE.match(line)
            inner = resolve(path, match.group(2)) if match else None
            if inner:
                self.put(inner)
            else:
                self.out.append(line)


def write_h():
    text = Text()
    names = sorted(os.listdir(os.path.join(tree.ROOT, "include/zonal")))
    text.out += essay(
        "Zonal %s: the public headers in one file (made by tools/amalgam.py)." % version(),
        "Before it is included:",
        "  #define %-18s where GFP_KERNEL, struct page and alloc_pages() are wanted" % LINUX,
        "  #define %-18s in the file that has the hooks of the port" % PORT)
    text.out += ["#ifndef ZONAL_AMALGAM_H", "#define ZONAL_AMALGAM_H", "", "#ifdef " + LINUX]
    text.put("include/zonal/short_names.h")
    text.out += ["#endif"]
    for name in names:
        if name not in NOT_ALWAYS:
            text.put("include/zonal/" + name)
    text.out += ["", "#ifdef " + PORT]
    text.put("include/zonal/port.h")
    text.out += ["#endif", "", "#ifdef " + LINUX]
    text.put("include/zonal/linux.h")
    text.out += ["#endif", "", "#endif"]
    return text


# ---- the names of zonal.c ----------------------------------------------------------------

def declared(line):
    """What a line in the first column declares or defines, or None."""
    if not re.match(r"[A-Za-z_]", line) or NO_NAME.match(line):
        return None
    pointer = re.search(r"\(\*(\w+)\)\(", line)
    if pointer and "static" not in line:
        return pointer.group(1)
    for match in DECLARED.finditer(re.sub(r"__attribute__\(\(.*?\)\)", "", line)):
        if not (match.group(1).isupper() and match.group(0).endswith("(")):
            return match.group(1)
    return None


def constants(code):
    """Those of each enumeration that are written out."""
    for block in re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", code):
        for item in block.split(","):
            match = re.match(r"\s*([A-Za-z_]\w*)\s*(=|$)", item)
            if match:
                yield match.group(1)


class Names:
    """How each name of the sources is written in zonal.c."""

    def __init__(self, lines, public):
        code = COMMENT.sub("", "\n".join(lines))
        taken = set(re.findall(r"\b[A-Za-z_]\w*", COMMENT.sub("", "\n".join(public))))
        short = dict(SHORT.findall("\n".join(tree.lines("lib/prefix.h"))))
        self.plain = {}
        own = set(re.findall(r"^\s*#define (\w+)", code, re.M)) | set(constants(code))
        own |= {declared(line) for line in code.split("\n")} - {None}
        for name in own - taken - FOREIGN:
            if not re.match(r"(zonal|zn)_|__", name, re.I):
                self.plain[name] = ("ZN_" if name.isupper() else "zn_") + name
        self.plain.update(short)
        self.plain.update(SHORT.findall("\n".join(tree.lines("include/zonal/short_names.h"))))
        tags = set(re.findall(r"\b(?:struct|enum|union) (\w+) \{", code))
        tags |= set(re.findall(r"\b(?:struct|enum|union) [A-Z_]+ (\w+) \{", code))
        self.tags = {tag: "zn_" + tag for tag in tags if not tag.startswith("zonal")}
        self.tags.update({tag: full for tag, full in self.plain.items()
                          if full.startswith("zonal_")})
        self.tags.update(page="zonal_page", zone="zonal_zone")

    def write(self, match):
        token = match.group(0)
        if token[0] in "/\"'#":
            return token
        *before, last = token.split()
        last = self.tags.get(last, last) if before else self.plain.get(last, last)
        return " ".join([self.plain.get(word, word) for word in before] + [last])

    def is_own(self, name):
        full = self.plain.get(name, name)
        return name and not full.startswith("zonal") and name not in FOREIGN

    def mark(self, line):
        """A function or an array of the core itself, declared or defined, is nobody else's."""
        if re.search(r"\b(static|typedef)\b", line) or not self.is_own(declared(line)):
            return line
        return "static " + re.sub(r"^extern ", "", line)


def part_of(path):
    return next((macro for folder, macro in PARTS if path.startswith(folder)), None)


def write_c(head):
    apart = head.done | {"lib/prefix.h", "include/zonal/short_names.h"}
    text = Text(apart)
    text.put("lib/base.h")
    core = [path for path in tree.files(".c") if path.startswith("mm/")]
    # A header that the rest needs too must not be put inside of a part.
    for path in sorted(core, key=lambda path: bool(part_of(path))):
        part = part_of(path)
        text.out += ["", "#if " + part] if part else []
        text.put(path)
        text.out += ["#endif"] if part else []
    for path in [path for path in tree.files(".c") if path[:-1] + "h" in text.done]:
        text.put(path)
    names = Names(text.out, head.out)
    marked = "\n".join(names.mark(line) for line in text.out)
    start = essay(
        "Zonal %s: the core in one file (made by tools/amalgam.py)." % version(),
        "Compile it with the flags of the project that it becomes a part of; -D values are those",
        "of <zonal/config.h> in zonal.h. The hooks that it needs are in zonal.h behind %s." % PORT)
    start += ["#define " + PORT, '#include "zonal.h"', "",
              "/* Headers stand in it that are each for more than one file, and for parts left out. */",
              '#pragma GCC diagnostic ignored "-Wunused-macros"',
              '#pragma GCC diagnostic ignored "-Wunused-function"']
    return start + TOKEN.sub(names.write, marked).split("\n")


def save(folder, name, lines):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(re.sub(r"\n{3,}", "\n\n", "\n".join(lines) + "\n"))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tools/amalgam.py FOLDER")
    os.makedirs(sys.argv[1], exist_ok=True)
    head = write_h()
    save(sys.argv[1], "zonal.h", head.out)
    save(sys.argv[1], "zonal.c", write_c(head))


if __name__ == "__main__":
    main()
