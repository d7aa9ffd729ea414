#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the public headers are to a foreign program. tools/check_symbols.sh runs it.

  1  Each compiles alone as C11 and C++17, with a C library and without: then with the types of
     a header that the build names. Inline hooks come from a port of this check.
  2  Every name that they bring (macros, types, tags, enumerators, functions) begins with zonal_
     or ZONAL_. A program that means something else by each short name is not disturbed.
  3  short_names.h has nothing but #define lines, each for a name that exists, and has all that
     Linux knows.
  4  <zonal/linux.h> gives them, and says so where it comes too late or a size is taken.
  5  A size can be set by its long name everywhere, and by its short one in this tree.
"""
import json
import os
import re
import subprocess
import sys

import tree

OUT = os.path.join(tree.ROOT, os.environ.get("O", "build"), "headers")
HEADERS = sorted(os.path.basename(p) for p in tree.files(".h") if p.startswith("include/zonal/"))
# Short on purpose; and what the image and its programs at EL0 agree on, no part of the core.
SHORT = {"linux.h", "short_names.h", "user.h"}
COMPILERS = {"gcc": "c11", "clang": "c11", "g++": "c++17", "clang++": "c++17"}
WARN = ["-Wall", "-Wextra", "-Werror"]
NOLIBC = ["-ffreestanding", "-nostdinc", '-DZONAL_TYPES_HEADER="my_types.h"']
PREFIX = re.compile(r"(zonal_|ZONAL_)|zonal$")
DEFINE = re.compile(r"#define (\w+) (\w+)$")
NAMING = {"RecordDecl", "EnumDecl", "EnumConstantDecl", "TypedefDecl", "FunctionDecl", "VarDecl"}
CONDITION = re.compile(r"#(define \w+$|ifndef|elif|error|endif)")
# Families of which every member has its short name.
LINUX = re.compile(r"ZONAL_(GFP|ZONE|MIGRATE|MPOL)_(?!H$)|zonal_(pfn_t|gfp_t|nodemask)")

TYPES = """
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t;
typedef short int16_t; typedef int int32_t; typedef __UINT64_TYPE__ uint64_t;
typedef __INT64_TYPE__ int64_t;
typedef __SIZE_TYPE__ size_t; typedef __UINTPTR_TYPE__ uintptr_t;
#ifndef __cplusplus
typedef _Bool bool;
#endif
"""
PORT = """
static inline zonal_port_irqflags_t zonal_port_irq_save(void) { return 0; }
static inline void zonal_port_irq_restore(zonal_port_irqflags_t flags) { (void)flags; }
static inline bool zonal_port_irqs_masked(void) { return 1; }
static inline struct zonal_port_cpu *zonal_port_this_cpu(void) { return 0; }
static inline void zonal_port_relax(void) {}
static inline uint64_t zonal_port_time_ns(void) { return 0; }
"""
faults = []


def write(name, text):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    return "\n".join(tree.lines(path)) + "\n"


def run(compiler, text, *flags):
    """(status, output) of a compiler over a text, in the root, with the check's port."""
    name = "one.cpp" if "+" in compiler else "one.c"
    write(name, text)
    # A compiler cache takes a dump of declarations for a dump it has seen.
    done = subprocess.run([compiler, f"-std={COMPILERS[compiler]}", *flags, f"-I{OUT}", "-I.",
                           "-Iinclude", os.path.join(OUT, name)], cwd=tree.ROOT, text=True,
                          env={**os.environ, "CCACHE_DISABLE": "1"}, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout + done.stderr


def must_compile(what, text, *flags, compilers=COMPILERS):
    for compiler in compilers:
        status, said = run(compiler, text, "-fsyntax-only", *WARN, *flags)
        if status:
            faults.append(f"{what} ({compiler} {' '.join(flags)}):\n{said}")


def must_not_compile(what, text, words, *flags):
    for compiler in ("gcc", "g++"):
        status, said = run(compiler, text, "-fsyntax-only", *flags)
        if not status or words not in said:
            faults.append(f"{what} ({compiler}): not refused with \"{words}\"\n{said}")


def include(headers):
    return "".join(f"#include <zonal/{h}>\n" for h in headers)


PUBLIC = include(h for h in HEADERS if h not in SHORT)
MY_TYPES = '#include "my_types.h"\n'


def compile_each():
    builtin = subprocess.run(["gcc", "-print-file-name=include"], text=True, check=True,
                             stdout=subprocess.PIPE).stdout.strip()
    for header in HEADERS:
        text = include([header])
        must_compile(header, text, compilers=["g++", "clang++"])
        must_compile(header, text, *NOLIBC)
        # The bare-metal port's own bodies, with the compiler's headers alone.
        must_compile(header, text, "-ffreestanding", "-nostdinc", "-isystem", builtin,
                     "-iquote", "arch/arm64/include", compilers=["gcc"])


def macros(text):
    """{name: body} of the macros behind a text."""
    _, said = run("gcc", text, "-E", "-dM", *NOLIBC)
    return dict(re.findall(r"^#define (\w+)(.*)", said, re.M))


def declared(node):
    """Names that a declaration brings into the program; fields and parameters are its own."""
    if node.get("isImplicit") or node["kind"] not in NAMING:
        return
    if "name" in node:
        yield node["name"]
    if node["kind"] in ("RecordDecl", "EnumDecl"):
        for part in node.get("inner", []):
            yield from declared(part)


def declarations(text):
    status, said = run("clang", text, "-fsyntax-only", "-Xclang", "-ast-dump=json", *NOLIBC)
    if status:
        faults.append(f"clang shows no declarations:\n{said[-300:]}")
        return set()
    return {name for node in json.loads(said)["inner"] for name in declared(node)}


def public_names():
    names = macros(PUBLIC).keys() - macros(MY_TYPES).keys()
    names |= declarations(PUBLIC) - declarations(MY_TYPES)
    if len(names) < 150:
        faults.append(f"only {len(names)} names found: the scan is blind")
    faults.extend(f"a public name without a prefix: {n}" for n in sorted(names)
                  if not PREFIX.match(n))
    return names


def short_names():
    """{short: long} of the two headers that give short names."""
    found = {}
    for path in ("include/zonal/short_names.h", "lib/prefix.h"):
        for line in read(path).splitlines():
            match = DEFINE.match(line)
            if match and not match[2].startswith("zn_"):
                found[match[1]] = match[2]
    return {n: l for n, l in found.items() if not n.startswith("ZONAL_")}


def check_short_names(names, short):
    if not names:
        return
    text = re.sub(r"/\*.*?\*/", "", read("include/zonal/short_names.h"), flags=re.S)
    for line in text.splitlines():
        if line and not DEFINE.match(line) and not CONDITION.match(line):
            faults.append(f"short_names.h has more than #define lines: {line}")
    faults.extend(f"{n} stands for {l}, which does not exist" for n, l in short.items()
                  if l not in names)
    faults.extend(f"{n} has no short name" for n in sorted(names)
                  if LINUX.match(n) and n not in short.values())


def check_foreign(short):
    """The program has a macro of each short name, and its own struct page and zone."""
    mine = "".join(f"#define {n} @\n" for n in short)
    mine += "struct page { int mine; };\nstruct zone { int mine; };\n"
    must_compile("beside a program with those names", mine + PUBLIC)
    # Bodies of macros are read where they are used.
    for name, body in macros(PUBLIC).items():
        code = re.sub(r'"(\\.|[^"\\])*"', "", body)
        used = set(re.findall(r"\w+", code)) & short.keys()
        faults.extend(f"{name} uses {word}" for word in sorted(used))


def check_linux():
    use = "struct page *take(void);\nstruct page *take(void)\n{\n" \
          "\tstruct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, MAX_ORDER - 1);\n" \
          "\n\treturn page ? page : zonal_alloc(&zonal_image, ZONAL_GFP_KERNEL, 0);\n}\n"
    must_compile("linux.h", include(["linux.h"]) + use)
    must_compile("linux.h", include(["linux.h", "zonal.h", "port.h"]) + use)
    must_not_compile("linux.h behind zonal.h", include(["zonal.h", "linux.h"]), "comes before")
    must_not_compile("linux.h with another MAX_ORDER",
                     "#define MAX_ORDER 5\n" + include(["linux.h"]),
                     "MAX_ORDER means something else")


def check_sizes():
    given = {"PAGE_SHIFT": 16, "MAX_ORDER": 12, "PAGEBLOCK_ORDER": 8, "SECTION_SHIFT": 28}
    long = "".join(f'ZONAL_STATIC_ASSERT(ZONAL_{n} == {v}, "");\n' for n, v in given.items())
    both = long + long.replace("ZONAL_STATIC_ASSERT(ZONAL_", "ZONAL_STATIC_ASSERT(")
    long_flags, short_flags = ([f"-D{p}{n}={v}" for n, v in given.items()] for p in ("ZONAL_", ""))
    must_compile("long sizes", include(["zonal.h"]) + long, *long_flags)
    must_compile("long sizes", include(["linux.h"]) + both, *long_flags)
    must_compile("both sizes", include(["linux.h"]) + both, *long_flags, *short_flags)
    for flags in (long_flags, short_flags):
        must_compile("sizes of this tree", include(["zonal.h"]) + both, "-include", "lib/prefix.h",
                     *flags, compilers=["gcc", "clang"])
    own = include(["zonal.h"]) + 'ZONAL_STATIC_ASSERT(ZONAL_MAX_ORDER == 11, "");\n'
    must_compile("sizes of the program", own, *short_flags)


def main():
    os.makedirs(OUT, exist_ok=True)
    write("my_types.h", TYPES)
    write("port_impl.h", PORT)
    names, short = public_names(), short_names()
    compile_each()
    check_short_names(names, short)
    check_foreign(short)
    check_linux()
    check_sizes()
    if faults:
        print("\n".join(faults))
    else:
        print(f"{len(HEADERS)} headers stand alone; {len(names)} names have a prefix, "
              f"{len(short)} a short form")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
