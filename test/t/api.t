#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/api.md: every public function has an example there, and every example holds.

A block ```c is the body of a function that is called with a fresh instance `mm` of two nodes and
the task that runs, `task`; a block ```c file stands before it, at file scope. Each heading is one
case: its blocks are compiled with warnings as errors against the pair of files and the template
port, and run in a process of their own. CHECK(x) ends it if x does not hold.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "test"))
from selection import run_cases  # noqa: E402

# The port's own side, the image's programs, and other spellings of the same.
NOT_OURS = {"port.h", "user.h", "linux.h", "short_names.h"}
# Functions without an example, and why.
EXCEPTIONS = {}
# The port of the examples has a clock, theirs.
CLOCK = "-Dzonal_out_time_ns=template_time_ns"
WORK = tempfile.TemporaryDirectory(prefix="zonal-api-")
TEMPLATE = os.path.join(ROOT, "arch/template")
HEADERS = sorted(path for path in glob.glob(os.path.join(ROOT, "include/zonal/*.h"))
                 if os.path.basename(path) not in NOT_OURS)

PREAMBLE = r"""
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <template_port.h>
%s
#define MIB ((uint64_t)1 << 20)
#define RAM 0x40000000u
#define CHECK(x) do { if (!(x)) { \
	fprintf(stderr, "CHECK(%%s) does not hold\n", #x); exit(1); } } while (0)

static uint64_t now; /* the port's clock, in ns */
uint64_t zonal_out_time_ns(void);
uint64_t zonal_out_time_ns(void) { return now; }

static unsigned char *ram; /* what stands for the 512 MiB from RAM on */

static void clear(void *ctx, zonal_pfn_t pfn, size_t count)
{
	(void)ctx;
	memset(ram + (pfn << ZONAL_PAGE_SHIFT) - RAM, 0, count << ZONAL_PAGE_SHIFT);
}

static void *metadata(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	(void)ctx, (void)nid;
	return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void say(const char *line) { fprintf(stderr, "%%s\n", line); }

/* Two nodes of 256 MiB, a CPU on each, a CMA area of 8 MiB on node 1. */
static struct zonal *instance(void)
{
	static struct zonal_boot_info board;
	struct zonal_config config = { .info = &board, .clear = clear };
	struct zonal *mm = calloc(1, zonal_sizeof());

	zonal_info_begin(&board);
	zonal_options_default(&config.options);
	ram = calloc(512, MIB);
	CHECK(mm && ram);
	CHECK(!zonal_add_memory(&board, 0, RAM, 256 * MIB));
	CHECK(!zonal_add_memory(&board, 1, RAM + 256 * MIB, 256 * MIB));
	CHECK(!zonal_add_area(&board, RAM + 384 * MIB, 8 * MIB));
	CHECK(!zonal_add_cpu(&board, 0, 0) && !zonal_add_cpu(&board, 1, 1));
	CHECK(!zonal_build(mm, &config, metadata));
	zonal_cpu_online(mm, 0);
	zonal_boot_done(mm);
	return mm;
}
"""

MAIN = r"""
int main(void)
{
	struct zonal_finding finding;
	struct zonal *mm;

	template_write = say;
	template_start();
	mm = instance();
	example(mm, zonal_port_this_cpu()->task);
	CHECK(zonal_check(mm, &finding));
	return 0;
}
"""


def run(*words):
    done = subprocess.run(list(words), cwd=WORK.name, timeout=120, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    fault = [f"{' '.join(words)[:120]}: status {done.returncode}: {done.stdout[-1500:]}"]
    return done.stdout, fault if done.returncode else []


def examples():
    """Heading, code at file scope, code of the function; one for each heading that has some."""
    with open(os.path.join(ROOT, "docs/api.md"), encoding="utf-8") as file:
        parts = re.split(r"^#+ +(.*)\n", file.read(), flags=re.M)
    for heading, text in zip(parts[1::2], parts[2::2]):
        blocks = re.findall(r"^```c( file)?\n(.*?)^```$", text, re.M | re.S)
        if blocks:
            yield (heading, "".join(code for kind, code in blocks if kind),
                   "".join(code for kind, code in blocks if not kind))


def functions():
    found = {}
    for path in HEADERS:
        text, faults = run("ctags", "-x", "--c-kinds=pf", "--language-force=C", path)
        if faults:
            sys.exit(faults[0])
        for line in text.splitlines():
            if line.startswith("zonal_"):
                found[line.split()[0]] = os.path.basename(path)
    return found


def every_public_function_is_called_by_an_example():
    code = "\n".join(outer + body for _, outer, body in examples())
    code = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"", "", code, flags=re.S)
    called = set(re.findall(r"\b(zonal_\w+)\s*\(", code))
    known = functions()
    faults = [f"{name} of <zonal/{header}> is called by no example" for name, header
              in sorted(known.items()) if name not in called and name not in EXCEPTIONS]
    faults += [f"{name} is an exception and has an example, or is no function"
               for name in EXCEPTIONS if name in called or name not in known]
    return faults if len(known) > 100 else faults + [f"ctags finds {len(known)} functions"]


def every_header_has_a_section():
    with open(os.path.join(ROOT, "docs/api.md"), encoding="utf-8") as file:
        text = file.read()
    return [f"<zonal/{name}> is not named" for name in map(os.path.basename, HEADERS)
            if f"<zonal/{name}>" not in text]


def objects():
    """The library and the port, compiled once."""
    if not os.path.exists(WORK.name + "/template_port.o"):
        _, faults = run(sys.executable, os.path.join(ROOT, "tools/amalgam.py"), WORK.name + "/pair")
        for source, words in ((WORK.name + "/pair/zonal.c", ["-I" + WORK.name + "/pair"]),
                              (TEMPLATE + "/template_port.c", ["-I" + ROOT + "/include", CLOCK])):
            faults = faults or run("gcc", "-std=gnu11", "-O1", *words, "-I",
                                   TEMPLATE + "/include", "-c", source)[1]
        if faults:
            sys.exit(faults[0])
    return ["zonal.o", "template_port.o"]


def case_of(heading, outer, body):
    def case():
        with open(WORK.name + "/example.c", "w", encoding="utf-8") as file:
            file.write(PREAMBLE % "".join(f"#include <zonal/{os.path.basename(path)}>\n"
                                          for path in HEADERS))
            file.write(outer + "\nstatic void example(struct zonal *mm, struct zonal_task *task)"
                       "\n{\n(void)mm, (void)task;\n" + body + "}\n" + MAIN)
        _, faults = run("gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror",
                        "-I", ROOT + "/include", "-I", TEMPLATE + "/include", "example.c",
                        *objects(), "-o", "example")
        return faults or run("./example")[1]
    case.__name__ = re.sub(r"\W+", "_", heading).strip("_").lower()
    return case


sys.exit(run_cases("api", [every_public_function_is_called_by_an_example,
                           every_header_has_a_section] + [case_of(*e) for e in examples()],
                   subprocess.TimeoutExpired))
