#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The library as those see it who embed it.

The pair of files compiles with nothing but itself under the warnings of strict projects, by two
compilers, in every choice of parts; it needs of a C library what is promised and no more, and
leaves no name without the prefix. What `make install` and `make dist` put down is used as a
stranger would: with pkg-config, CMake, a Makefile of his own, and by hand. What cannot be says so
while it is compiled.
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "test"), os.path.join(ROOT, "tools")]
import lib_sizes  # noqa: E402
from selection import run_cases  # noqa: E402

# Of Bao's build; -std and -O are the case's own.
WARNINGS = ("-Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wcast-qual -Wmissing-prototypes "
            "-Wswitch-default -Wunused-macros -Wvla -Wstrict-prototypes").split()
GCC_WARNINGS = ["-Warith-conversion", "-Wshadow=global"]
BARE = "-ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables".split()
ARM64 = {
    "gcc": ["aarch64-linux-gnu-gcc", "-mgeneral-regs-only", "-mno-outline-atomics"] + GCC_WARNINGS,
    "clang": ["clang", "--target=aarch64-none-elf", "-mgeneral-regs-only", "-Wshadow"],
}
PARTS = {
    "all": [],
    "no-oom": ["-DZONAL_OOM=0"],
    "policies": ["-DZONAL_RECLAIM=0", "-DZONAL_OOM=0", "-DZONAL_GROUPS=0", "-DZONAL_DEFERRED=0",
                 "-DZONAL_AIDS=0"],
    "least": ["-DZONAL_%s=0" % part for part in (
        "RECLAIM OOM CMA POLICY GROUPS DEFERRED AIDS MOBILITY WATERMARKS LANES TEXTS").split()],
    "no-lanes": ["-DZONAL_LANES=0"],
    "debug": ["-DZONAL_DEBUG=1"],
    "order-12": ["-DZONAL_MAX_ORDER=12"],
    "pages-of-64k": ["-DZONAL_PAGE_SHIFT=16"],
}
PARTS["unchecked"] = PARTS["least"] + ["-DZONAL_ASSERTS=0"]
# Builds that take the same frames: they differ in speed, in what is looked at, in what an instance
# that has memory enough never does.
ALIKE = (("all", "no-oom", "no-lanes"), ("least", "unchecked"), ("policies",))
SMALL = 12 * 1024
LIBC = {"memcpy", "memset"}
WORK = tempfile.TemporaryDirectory(prefix="zonal-library-")
TEMPLATE = os.path.join(ROOT, "arch/template")
HOSTED = os.path.join(ROOT, "examples/hosted")


def run(*words, cwd=WORK.name, env=None):
    """Output, and a fault that has it if the status is not 0."""
    done = subprocess.run(list(words), cwd=cwd, env=dict(os.environ, **(env or {})), timeout=500,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True)
    fault = [f"{' '.join(words)[:160]}: status {done.returncode}: {done.stdout[-1500:]}"]
    return done.stdout, fault if done.returncode else []


def make(*words):
    """A goal of the project's Makefile, as from a shell: not part of the run that we are in."""
    env = {"MAKEFLAGS": "", "MAKELEVEL": "0", "MFLAGS": "", "O": "", "CROSS_COMPILE": ""}
    return run("make", "-s", "-C", ROOT, *words, env=env)


def pair():
    folder = os.path.join(WORK.name, "pair")
    if not os.path.exists(os.path.join(folder, "zonal.c")):
        _, faults = run(sys.executable, os.path.join(ROOT, "tools/amalgam.py"), folder)
        if faults:
            sys.exit(faults[0])
    return folder


def compile_pair(compiler, *flags):
    out = os.path.join(WORK.name, "zonal.o")
    if os.path.exists(out):
        os.remove(out)
    text, faults = run(*compiler, "-std=gnu11", *WARNINGS, *BARE, "-I", pair(), "-I",
                       TEMPLATE + "/include", *flags, "-c", "-o", out, pair() + "/zonal.c")
    return out, text, faults


def symbols(path, *flags):
    text, faults = run("aarch64-linux-gnu-nm", *flags, path)
    return [line.split()[-2:] for line in text.splitlines() if line], faults


def names_fault(path):
    """Symbols that are not the library's, needs that nobody was told of, odd sections."""
    found, faults = symbols(path)
    for kind, name in found:
        if kind in "Uw" and name not in LIBC and not re.match(r"zonal_(port|out)_", name):
            faults.append(f"{name} is needed")
        if kind.isupper() and kind != "U" and not name.startswith("zonal_"):
            faults.append(f"{name} is left as a symbol")
    text, more = run("aarch64-linux-gnu-readelf", "-SW", path)
    faults += more + [f"a section {name}" for name in re.findall(
        r"\.(?:init_array|ctors|tdata|tbss)\S*", text)]
    if len(found) < 100:
        faults.append(f"nm shows {len(found)} symbols")
    return faults


def the_pair_compiles_under_strict_warnings_in_every_choice_of_parts():
    faults = []
    for name, compiler in ARM64.items():
        for part, flags in PARTS.items():
            level = "-Os" if part in ("least", "unchecked") else "-O2"
            out, _, found = compile_pair(compiler, level, *flags)
            faults += [f"{name}, {part}: {fault}" for fault in found or names_fault(out)]
    return faults


def the_pair_needs_no_header_of_a_c_library():
    own = os.path.join(WORK.name, "own")
    os.makedirs(own, exist_ok=True)
    with open(own + "/types.h", "w", encoding="utf-8") as file:
        file.write("typedef unsigned char uint8_t; typedef unsigned short uint16_t;\n"
                   "typedef unsigned uint32_t; typedef unsigned long uint64_t;\n"
                   "typedef signed char int8_t; typedef short int16_t; typedef int int32_t;\n"
                   "typedef long int64_t; typedef unsigned long uintptr_t, size_t;\n"
                   "typedef _Bool bool;\n#define true 1\n#define false 0\n"
                   "#define NULL ((void *)0)\n"
                   "#define UINT8_MAX 255\n#define UINT16_MAX 65535\n#define INT32_MAX 2147483647\n"
                   "#define UINT32_MAX 4294967295u\n#define UINT64_MAX 18446744073709551615ul\n"
                   "#define INT64_MAX 9223372036854775807l\n#define SIZE_MAX UINT64_MAX\n"
                   "#define offsetof __builtin_offsetof\n")
    include, faults = run("aarch64-linux-gnu-gcc", "-print-file-name=include")
    return faults + compile_pair(ARM64["gcc"], "-O2", "-nostdinc", "-isystem", include.strip(),
                                 "-I", own, '-DZONAL_TYPES_HEADER="types.h"')[2]


def a_word_that_a_program_uses_too_is_no_trouble():
    """Everything that the sources call something short is somebody else's in the port's header."""
    own = os.path.join(WORK.name, "clash")
    os.makedirs(own, exist_ok=True)
    with open(TEMPLATE + "/include/port_impl.h", encoding="utf-8") as file:
        port = file.read()
    with open(own + "/port_impl.h", "w", encoding="utf-8") as file:
        file.write("struct page { int theirs; }; struct zone { int theirs; };\n"
                   "struct node { int theirs; };\n"
                   "typedef int gfp_t; typedef char pfn_t; enum { MIGRATE_MOVABLE = 7 };\n"
                   "#define PAGE_SIZE 1\n#define MAX_ORDER 3\n#define GFP_KERNEL 1\n"
                   "#define ASSERT(x)\n#define likely(x) 0\n#define ARRAY_SIZE(x) 1\n"
                   "#define trace(...) syntax error\n"
                   "static inline int zone_take(void) { return 0; }\n"
                   "static inline int buddy_take(void) { return 0; }\n"
                   "static inline int align_up(void) { return 0; }\n"
                   "static inline int lock_take(void) { return 0; }\n" + port)
    return compile_pair([*ARM64["gcc"], "-Wno-unused-macros", "-Wno-unused-function", "-I", own],
                        "-O2")[2]


def programs_with_other_values_than_the_library_notice():
    """zonal_abi() is that of the header with equal values, and not with any other."""
    faults = []
    with open(WORK.name + "/abi.c", "w", encoding="utf-8") as file:
        file.write('#include "zonal.h"\n#include <stdio.h>\n'
                   'int main(void) { printf("%llx\\n", (unsigned long long)ZONAL_ABI); }\n')
    seen = {}
    for flags in ("", "-DZONAL_MAX_NODES=4", "-DZONAL_MAX_CPUS=8", "-DZONAL_MAX_RANGES=8",
                  "-DZONAL_PAGE_SHIFT=16", "-DZONAL_MAX_ORDER=12", "-DZONAL_PAGEBLOCK_ORDER=8",
                  "-DZONAL_FAILURE_ZONES=8"):
        _, found = run("gcc", "-I", pair(), *flags.split(), "abi.c", "-o", "abi")
        text, more = run("./abi")
        faults += found + more
        if text in seen:
            faults.append(f"'{flags}' and '{seen[text]}' are the same")
        seen[text] = flags
    return faults


def installed():
    to = os.path.join(WORK.name, "to")
    if not os.path.exists(to):
        _, faults = make("install", "O=" + WORK.name + "/here", "CROSS_COMPILE=", "PREFIX=/usr",
                         "DESTDIR=" + to)
        if faults:
            sys.exit(faults[0])
    return to + "/usr"


EXPECT = ["node 0 DMA       131072 pages,  131072 free, largest 1024", "node 3 DMA32",
          "2 MiB of node 2: frame 0x80"]


def shows_zones(program):
    text, faults = run(program)
    return faults + [f"'{want}' is not in: {text}" for want in EXPECT if want not in text]


def the_installed_archive_is_found_by_pkg_config():
    prefix, template = installed(), installed() + "/share/zonal/template"
    env = {"PKG_CONFIG_LIBDIR": prefix + "/lib/pkgconfig"}
    text, faults = run("pkg-config", "--define-variable=prefix=" + prefix, "--cflags", "--libs",
                       "zonal", env=env)
    words = text.split()
    cflags = [word for word in words if word[:2] in ("-I", "-D")]
    libs = [word for word in words if word[:2] in ("-L", "-l")]
    for compiler, source, program in (("gcc", "zones.c", "zones"), ("g++", "zones.cpp", "zones++")):
        _, more = run("gcc", "-c", *cflags, "-I", template, template + "/template_port.c")
        _, again = run(compiler, "-Wall", "-Wextra", "-Werror", *cflags, "-I", template,
                       os.path.join(HOSTED, source), "template_port.o", *libs, "-o", program)
        faults += more + again
    return faults or shows_zones("./zones") + [
        fault for text, found in [run("./zones++")]
        for fault in found + ([] if "two pages from 0x4" in text else [text])]


CMAKE = """cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(zonal REQUIRED)
set(template {prefix}/share/zonal/template)
add_executable(archive {zones} ${{template}}/template_port.c)
target_include_directories(archive PRIVATE ${{template}})
target_link_libraries(archive zonal::zonal)
add_executable(source {zones} ${{template}}/template_port.c)
target_include_directories(source PRIVATE ${{template}} {prefix}/include)
target_link_libraries(source zonal::source)
"""


def the_installed_package_is_found_by_cmake():
    folder, prefix = os.path.join(WORK.name, "cmake"), installed()
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/CMakeLists.txt", "w", encoding="utf-8") as file:
        file.write(CMAKE.format(prefix=prefix, zones=HOSTED + "/zones.c"))
    _, faults = run("cmake", "-S", folder, "-B", folder + "/out", "-Dzonal_DIR=" + prefix +
                    "/lib/cmake/zonal")
    if not faults:
        _, faults = run("cmake", "--build", folder + "/out")
    return faults or shows_zones(folder + "/out/archive") + shows_zones(folder + "/out/source")


MAKEFILE = """include {release}/zonal.mk
zones: zones.o template_port.o $(ZONAL_OBJECTS)
\t$(CC) -o $@ $^
CFLAGS += -O1 -Wall -Werror $(ZONAL_CFLAGS)
vpath %.c {release}/template
"""


def a_release_is_enough_for_a_makefile_of_somebody_else():
    folder = os.path.join(WORK.name, "theirs")
    os.makedirs(folder, exist_ok=True)
    text, faults = make("dist", "O=" + WORK.name + "/dist")
    if faults:
        return faults
    _, faults = run("tar", "-xzf", text.split()[-1], "-C", folder)
    release = next((e.path for e in os.scandir(folder) if e.is_dir()), "none")
    with open(HOSTED + "/zones.c", encoding="utf-8") as file:
        source = re.sub(r"#include <zonal/.*\n", "", file.read())
    with open(folder + "/zones.c", "w", encoding="utf-8") as file:
        file.write(source)
    with open(folder + "/Makefile", "w", encoding="utf-8") as file:
        file.write(MAKEFILE.format(release=release))
    _, more = run("make", "-C", folder, env={"MAKEFLAGS": "", "MAKELEVEL": "0"})
    for name in ("LICENSE", "porting.md", "zonal.h", "template/port_impl.h"):
        if not os.path.exists(os.path.join(release, name)):
            faults.append(f"no {name} in the release")
    return faults + more or shows_zones(folder + "/zones")


BOARD = ("-M virt -cpu cortex-a57 -smp 2 -m 256M -object memory-backend-ram,id=m0,size=128M "
         "-object memory-backend-ram,id=m1,size=128M -numa node,nodeid=0,cpus=0,memdev=m0 "
         "-numa node,nodeid=1,cpus=1,memdev=m1 -display none -monitor none -serial stdio -nic none")


def the_five_steps_of_porting_md_give_a_page_on_a_bare_board():
    bare, faults = os.path.join(ROOT, "examples/bare/"), []
    for part in ("all", "no-oom", "policies", "least", "order-12", "pages-of-64k", "debug"):
        level, flags = "-Os" if part == "least" else "-O2", PARTS[part]
        _, found = run(*ARM64["gcc"][:3], "-std=gnu11", level, *BARE, "-mstrict-align", "-Wall",
                       "-ffunction-sections", "-fdata-sections", "-fno-builtin", "-nostdlib",
                       "-static", "-no-pie", "-Wl,-Ttext=0x40200000,--gc-sections,--build-id=none",
                       "-Wl,--no-warn-rwx-segments", "-DZONAL_AMALGAM", "-DZONAL_MAX_NODES=4",
                       "-DZONAL_MAX_CPUS=8", *flags, "-I", pair(), "-I", TEMPLATE + "/include",
                       bare + "start.S", bare + "main.c", TEMPLATE + "/template_port.c",
                       pair() + "/zonal.c", "-o", "bare.elf")
        text, more = ("", []) if found else run("timeout", "60", "qemu-system-aarch64",
                                                *BOARD.split(), "-kernel", "bare.elf")
        want = ["the first page: 0x" + ("%llx" if part == "least" else "4"), "all is well"]
        faults += found + more + [f"{part}: '{w}' is not in: {text}" for w in want if w not in text]
    return faults


def a_part_that_is_left_out_says_so_and_one_that_is_there_serves():
    source, faults = os.path.join(ROOT, "test/t/parts.c"), []
    for alike in ALIKE:
        frames = set()
        for part in alike:
            _, found = run("gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror",
                           "-DZONAL_AMALGAM", *PARTS[part], "-I", pair(), "-I",
                           TEMPLATE + "/include", source, TEMPLATE + "/template_port.c",
                           pair() + "/zonal.c", "-o", "parts")
            text, more = ("", []) if found else run("./parts")
            faults += [f"{part}: {fault}" for fault in found + more]
            frames.add(text.strip().split("\n")[-1])
        if len(frames) > 1:
            faults.append(f"{', '.join(alike)}: other frames: {', '.join(sorted(frames))}")
    return faults


def the_smallest_is_at_most_12_kib_of_text():
    """As `make lib-sizes` measures it, with assertions and without them, and what it says of
    everything is far more."""
    folder = os.path.join(WORK.name, "sizes")
    os.makedirs(folder)
    lib_sizes.begin(folder)
    least, asserts, most = [lib_sizes.text_of(folder, lib_sizes.without(count))
                            for count in (len(lib_sizes.LEAST), len(lib_sizes.LEAST) - 1, 0)]
    return [] if 0 < least < asserts <= SMALL and most > 4 * SMALL else [
        f"{least} bytes of text, {asserts} with assertions, {most} with everything"]


def what_cannot_be_says_so_while_it_is_compiled():
    faults = []
    for flags, words in ((["-DZONAL_MOBILITY=0"], "stand on mobility"),
                         (["-DZONAL_WATERMARKS=0"], "go by watermarks"),
                         (["-DZONAL_MAX_NODES=65"], "a nodemask is 64 bits"),
                         (["-mabi=ilp32"], "a page has words of 64 bits"),
                         (["-mbig-endian"], "refs is the upper half")):
        _, text, found = compile_pair(ARM64["gcc"], "-O1", *flags)
        if not found:
            faults.append(f"{flags} compiles")
        elif words not in text:
            faults.append(f"{flags} does not say '{words}': {text[:400]}")
    return faults


CASES = [the_pair_compiles_under_strict_warnings_in_every_choice_of_parts,
         the_pair_needs_no_header_of_a_c_library, a_word_that_a_program_uses_too_is_no_trouble,
         programs_with_other_values_than_the_library_notice,
         the_installed_archive_is_found_by_pkg_config, the_installed_package_is_found_by_cmake,
         the_five_steps_of_porting_md_give_a_page_on_a_bare_board,
         a_part_that_is_left_out_says_so_and_one_that_is_there_serves,
         the_smallest_is_at_most_12_kib_of_text,
         a_release_is_enough_for_a_makefile_of_somebody_else,
         what_cannot_be_says_so_while_it_is_compiled]

sys.exit(run_cases("library", CASES, subprocess.TimeoutExpired))
