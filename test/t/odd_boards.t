#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots of boards that are not as they should be, or not as QEMU makes them.

Each case takes the device tree that QEMU makes for its machine, changes it as
text, and boots the image with it: what is missing or wrong must be reported by
name, and boot must go on or end with one line and status 2.

With -kernel and -dtb QEMU would rewrite the memory nodes and /psci. So the loader
device puts image and tree into RAM, and three instructions that set x0.
"""
import functools
import os
import re
import select
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test"))
from selection import run_cases  # noqa: E402

O = os.environ.get("O", "build")
IMAGE = os.path.join(O, "zonal.img")
QEMU = "qemu-system-aarch64"
TIMEOUT = int(os.environ.get("ODD_TIMEOUT", "60"))
IMAGE_AT, ENTRY_AT, TREE_AT = 0x40200000, 0x47FF0000, 0x48000000

CASES = []


def case(machine="gic-version=3", smp="4", run="echo+done", args="", status=0, keys=None,
         semihosting=True, x0=None):
    """Register a case: a function that changes the tree's text and returns what must be printed."""

    def register(edit):
        @functools.wraps(edit)
        def judge():
            with tempfile.TemporaryDirectory() as scratch:
                faults, out = run_case(scratch, edit, machine, smp, run, args, status, keys,
                                       semihosting, x0)
            said = [f"  {line}" for line in out.splitlines()[-40:]]
            return faults + said if faults else []

        CASES.append(judge)
        return edit

    return register


def replace(text, old, new):
    """Exactly as re.sub, but a pattern that is not there is a broken test."""
    result, count = re.subn(old, new, text, flags=re.S)
    if not count:
        raise ValueError(f"the tree has no {old!r}")
    return result


def node(text, name):
    """The text of the innermost node of that name, with its newline."""
    match = re.search(r"\n\t*" + re.escape(name) + r" \{[^{}]*\};\n", text)
    if not match:
        raise ValueError(f"the tree has no node {name}")
    return match[0][1:]


# Each function returns (changed tree, patterns that must be printed, in any order).


@case(run="test+boot.*")
def as_qemu_makes_it(dts):
    return dts, [r"4 of 4 CPUs, 1 nodes, 256 MiB, GICv3, PSCI 1\.1 by hvc, console PL011"]


@case(smp="20", run="test+boot.*,irq.*")
def mpidr_is_not_the_index(dts):
    return dts, [r"20 of 20 CPUs"]


@case(smp="126", run="test+boot.*")
def two_redistributor_regions(dts):
    assert "#redistributor-regions = <0x02>" in dts
    return dts, [r"126 of 126 CPUs"]


@case(smp="129")
def a_hundred_and_twenty_nine_cores(dts):
    return dts, [r"129 of 129 CPUs"]


def as_node(dts, name, nid):
    """The node of that name (a pattern) with another numa-node-id."""
    return replace(dts, r"(\n\t*" + name + r" \{)", rf"\1\n\t\tnuma-node-id = <{nid}>;")


def two_nodes(dts, split, nids, cpus=(), flags=""):
    """The 256 MiB of RAM as two nodes that meet at `split`, and the nodes of the first CPUs."""
    dts = as_node(dts, "memory@40000000", nids[0])
    for cpu, nid in enumerate(cpus):
        dts = as_node(dts, f"cpu@{cpu}", nid)
    first, end = 0x40000000, 0x50000000
    dts = replace(dts, r"(memory@40000000 \{.*?reg = <0x00 0x40000000 0x00) 0x10000000",
                  rf"\1 {split - first:#x}")
    return replace(dts, r"\tchosen \{", f'\tmemory@{split:x} {{ device_type = "memory"; {flags}'
                   f"numa-node-id = <{nids[1]}>; reg = <0 {split:#x} 0 {end - split:#x}>; }};\n"
                   "\tchosen {")


@case(run="check;topology+-j")
def a_memory_node_behind_the_table(dts):
    """The image lies in what stays. The boot CPU's node is left out: it runs alone."""
    dts = two_nodes(dts, 0x4c000000, (5, 64), (64, 5, 5, 5))
    return dts, [r"memory@4c000000/numa-node-id: 64: .*its memory and CPUs are left out",
                 r"runs alone", r"1 of 1 CPUs, 1 nodes, 192 MiB", r"every invariant holds",
                 r'"node":5,"ranges":\[\[1073741824,201326592\]\]']


def removable(dts):
    """The upper half of RAM is a node of its own that can be unplugged."""
    return two_nodes(dts, 0x48800000, (0, 1), (0, 0, 0, 1), "hotpluggable; ")


@case(run="zoneinfo;probe+GFP_KERNEL+0+1;check;test+user.*+rows_i.*", args="movable_node cma=8M")
def a_removable_node_is_for_movable_pages(dts):
    # No metadata, no CMA area and no page of the kernel lies there.
    return removable(dts), [r"4 of 4 CPUs, 2 nodes, 256 MiB",
                            r"Node 1, zone  Movable\n  pages free     30[67][0-9]{2}\n",
                            r"managed  30720\n", r"every invariant holds", r"# (\d+) of \1 passed"]


@case(run="zoneinfo;check")
def a_removable_node_is_ordinary_unless_it_is_asked_for(dts):
    return removable(dts), [r"Node 1, zone      DMA\n", r"every invariant holds"]


@case(run="check", args="movable_node")
def movable_node_where_nothing_is_removable(dts):
    return dts, [r"movable_node leaves nothing for ZONE_MOVABLE", r"every invariant holds"]


@case(run="check")
def the_image_in_memory_that_is_left_out(dts):
    dts = two_nodes(dts, 0x4c000000, (4000000000, 0))
    return dts, [r"4 of 4 CPUs, 1 nodes, 64 MiB", r"every invariant holds"]


@case(run="check")
def three_hundred_reserved_ranges(dts):
    nodes = " ".join(f"r@{i} {{ reg = <0 {0x49000000 + i * 0x20000:#x} 0 0x1000>; "
                     f"{'no-map;' * (i % 2)} }};" for i in range(300))
    return reserved(dts, nodes), [r"the reserved ranges must fit ZONAL_MAX_RANGES", r"further notes",
                                  r"4 of 4 CPUs", r"every invariant holds"]


def reserved(dts, nodes):
    return replace(dts, r"\tchosen \{", "\treserved-memory { #address-cells = <2>; #size-cells = <2>; "
                   "ranges; " + nodes + " };\n\tchosen {")


@case(args="kernelcore=128M", run="zoneinfo+-j")
def no_map_counts_as_present(dts):
    # 64 MiB off the map are part of the 128 that are not movable.
    return reserved(dts, "a { reg = <0 0x42000000 0 0x4000000>; no-map; };"), [
        r'"zone":"Movable","start_pfn":294912,"spanned":32768,"present":32768',
        r'"start_pfn":262144,"spanned":32768,"present":32768,"managed":1[0-9]{4},']


@case(args="cma=32M", run="vmstat")
def cma_argument_replaces_the_default_area(dts):
    return reserved(dts, 'c { compatible = "shared-dma-pool"; reusable; linux,cma-default; '
                    "size = <0 0x4000000>; };"), [
        r"linux,cma-default: .*: cma= takes the place of the default area", r"nr_free_cma 8192"]


@case(args="cma=256M")
def cma_area_as_large_as_the_node(dts):
    return dts, [r"boot: cma=256M is ignored: no free piece"]


@case(args="kernelcore=64G movablecore=100% cma=0", status=1)
def shares_that_come_to_nothing(dts):
    return dts, [r'argument "movablecore=100%" is ignored: at least a page',
                 r"boot: kernelcore= or movablecore= leaves nothing for ZONE_MOVABLE"]


@case()
def ram_at_64_tib(dts):
    return replace(dts, r"\tchosen \{", '\tmemory@400000000000 { device_type = "memory"; '
                   "reg = <0x4000 0x00 0x00 0xc0000000>; };\n\tchosen {"), [
        r"topology: /: 0x400000000000 \+ 0xc0000000: memory that has no 32-bit frame number"]


@case(x0=0x48000004)
def misaligned_tree_in_x0(dts):
    return dts, [r"boot: no device tree at 0x48000004, where x0 points: it must lie on 8 bytes; "
                 r"the one at 0x40000000 is used"]


@case(x0=0x4F000000)
def x0_that_is_left_over(dts):
    return dts, [r"boot: no device tree at 0x4f000000, where x0 points: no header"]


@case(args="seed=" + "0" * 3000 + "7")
def boot_arguments_of_three_kib(dts):
    return dts, [r"^(?!.*argument)"]


@case()
def core_that_is_not_there(dts):
    cpu = node(dts, "cpu@3")
    extra = cpu.replace("cpu@3", "cpu@4").replace("reg = <0x03>", "reg = <0x04>")
    extra = re.sub(r"phandle = <[^>]*>;", "", extra)
    return dts.replace(cpu, cpu + extra), [
        r"smp: CPU 4 \(MPIDR 0x4\) cannot be started: invalid parameters.*\(-2\)", r"4 of 5 CPUs"]


@case()
def two_cores_with_one_mpidr(dts):
    cpu = node(dts, "cpu@2")
    return dts.replace(cpu, cpu.replace("reg = <0x02>", "reg = <0x01>")), [
        r"topology: /cpus/cpu@2/reg: 0x1: an MPIDR must be one CPU's only", r"3 of 3 CPUs"]


@case()
def core_with_another_enable_method(dts):
    cpu = node(dts, "cpu@2")
    return dts.replace(cpu, cpu.replace('"psci"', '"acme,start"')), [
        r"smp: CPU 2 \(MPIDR 0x2\) is left off: its enable-method is neither psci nor spin-table",
        r"3 of 4 CPUs"]


@case()
def core_of_a_spin_table_without_a_word(dts):
    cpu = node(dts, "cpu@2")
    return dts.replace(cpu, cpu.replace('"psci"', '"spin-table"')), [
        r"topology: /: CPU 2: 0x0: a cpu-release-addr must lie on 8 bytes, and not at 0",
        r"smp: CPU 2 \(MPIDR 0x2\) is left off: it has no cpu-release-addr that can be used",
        r"3 of 4 CPUs"]


@case()
def disabled_core(dts):
    cpu = node(dts, "cpu@1")
    return dts.replace(cpu, cpu.replace("reg =", 'status = "disabled"; reg =')), [
        r"smp: CPU 1 \(MPIDR 0x1\) is left off: its status", r"3 of 4 CPUs"]


@case(run="test+boot.*,irq.*,timer.*")
def boot_core_is_not_the_first(dts):
    cpu = node(dts, "cpu@0")
    last = node(dts, "cpu@3")
    return dts.replace(cpu, "").replace(last, last + cpu), [r"4 of 4 CPUs"]


@case()
def boot_core_is_not_in_the_tree(dts):
    dts = re.sub(r"\t*core0 \{[^}]*\};\n", "", dts)
    return dts.replace(node(dts, "cpu@0"), ""), [
        r"smp: no CPU of the device tree has MPIDR 0x0.*alone", r"1 of 1 CPUs"]


@case()
def no_psci(dts):
    return dts.replace(node(dts, "psci"), ""), [
        r"psci: none in the device tree: it starts no CPU", r"1 of 4 CPUs.*by none"]


@case(run="test+boot.*")
def psci_0_1(dts):
    return replace(dts, r'compatible = "arm,psci-1.0.{0,40}arm,psci"', 'compatible = "arm,psci"'), [
        r"4 of 4 CPUs.*PSCI 0\.1 by hvc"]


@case(smp="2")
def core_that_never_arrives(dts):
    # AFFINITY_INFO in place of CPU_ON: it says "success" and starts nothing.
    dts = replace(dts, r'compatible = "arm,psci-1.0.{0,40}arm,psci"', 'compatible = "arm,psci"')
    return replace(dts, r"cpu_on = <0xc4000003>", "cpu_on = <0xc4000004>"), [
        r"smp: CPU 1 \(MPIDR 0x1\) did not come up within 5 s", r"1 of 2 CPUs"]


@case()
def psci_0_1_without_cpu_on(dts):
    dts = replace(dts, r'compatible = "arm,psci-1.0.{0,40}arm,psci"', 'compatible = "arm,psci"')
    return replace(dts, r"cpu_on = <0xc4000003>;", ""), [
        r"psci: version 0\.1 without cpu_on", r"cannot be started: not supported", r"1 of 4 CPUs"]


@case()
def psci_by_an_unknown_method(dts):
    return replace(dts, r'method = "hvc"', 'method = "svc"'), [
        r'psci: method "svc": only hvc and smc are known', r"1 of 4 CPUs"]


@case(machine="gic-version=2,virtualization=on")
def psci_by_smc_at_el2(dts):
    return dts, [r"4 of 4 CPUs.*GICv2, PSCI 1\.1 by smc"]


@case(args="maxcpus=2")
def fewer_cores_by_argument(dts):
    return dts, [r"smp: maxcpus=2: of 4 CPUs 2 are asked for", r"2 of 4 CPUs"]


@case(args="maxcpus=1")
def one_core_by_argument(dts):
    return dts, [r"1 of 4 CPUs"]


@case(args="console=ttyAMA0 maxcpus=0 cma=1X", run="echo+ran", status=1)
def wrong_arguments_show_in_the_status_of_a_run(dts):
    return dts, [r"(?m)^ran$", r"boot: arguments that were refused: 3: status 1",
                 r'boot: argument "console=ttyAMA0" is ignored: no such word',
                 r'boot: argument "maxcpus=0" is ignored: a number from 1 to ZONAL_MAX_CPUS',
                 r'boot: argument "cma=1X" is ignored: bytes', r"4 of 4 CPUs"]


@case(args="min_free_kbytes=4294967296", run="test+boot.*,rows_s.s1*")
def min_free_kbytes_above_what_the_board_has(dts):
    return dts, [r'boot: argument "min_free_kbytes=4294967296" is ignored: more than this board',
                 r"4 of 4 CPUs"]


@case(args="run=" + "x" * 5000, run="", status=1)
def run_that_is_refused_ends_instead_of_waiting(dts):
    return dts, [r'boot: argument "run=x+" is ignored: no room', r"boot: run= was refused: status 1",
                 r"^(?!.*zonal> )"]


@case(args="maxcpus=0", run="", keys="poweroff\r")
def refused_argument_at_a_terminal_only_says_so(dts):
    return dts, [r'boot: argument "maxcpus=0" is ignored', r"4 of 4 CPUs"]


@case(run="no-such-command", status=1)
def failed_command(dts):
    return dts, [r"no-such-command"]


@case(semihosting=False)
def nobody_answers_semihosting(dts):
    return dts, [r"exit: nobody answers semihosting; powering off instead"]


@case()
def console_by_alias(dts):
    dts = replace(dts, r"\tchosen \{", '\taliases { serial0 = "/pl011@9000000"; };\n\tchosen {')
    return replace(dts, r'stdout-path = "[^"]*"', 'stdout-path = "serial0:115200n8"'), [
        r"console PL011", r"^(?!.*looking for any)"]


@case(status=2)
def circular_alias_is_refused_before_there_is_a_console(dts):
    dts = replace(dts, r"\tchosen \{", '\taliases { a = "b"; b = "a"; };\n\tchosen {')
    return replace(dts, r'stdout-path = "[^"]*"', 'stdout-path = "a"'), [
        r"Bail out! boot: device tree at 0x48000000: an alias must be a full path.*/aliases/a"]


@case()
def stdout_path_names_something_else(dts):
    return replace(dts, r'stdout-path = "[^"]*"', 'stdout-path = "/psci"'), [
        r"console: stdout-path names no UART that we know", r"console PL011"]


@case(status=2)
def no_uart_at_all(dts):
    dts = replace(dts, r'"arm,pl011.{1,20}arm,primecell"', '"x,uart"')
    return replace(dts, r'compatible = "arm,gic-v3"', 'compatible = "x,gic"'), [
        r"console: none", r"Bail out! boot: no usable interrupt controller"]


NOWHERE = "0x00 0xb000000 0x00 0x1000"


@case(status=2)
def uart_where_nothing_answers(dts):
    return replace(dts, r"reg = <0x00 0x9000000 0x00 0x1000>", f"reg = <{NOWHERE}>"), [
        r"console: nothing answers at 0xb000000, the reg of the UART",
        r"(?m)^Bail out! boot: the console does not answer$"]


@case(status=2)
def uart_16550_where_nothing_answers(dts):
    uart = node(dts, "pl011@9000000")
    dts = dts.replace(uart, replace(uart, r"compatible = [^;]*;", 'compatible = "ns16550a";'))
    return replace(dts, r"reg = <0x00 0x9000000 0x00 0x1000>", f"reg = <{NOWHERE}>"), [
        r"console: nothing answers at 0xb000000", r"Bail out! boot: the console does not answer"]


@case(status=2)
def uart_that_brings_a_fault_when_it_is_started(dts):
    # The last registers of the virtio devices: what lies behind them does not answer.
    return replace(dts, r"reg = <0x00 0x9000000 0x00 0x1000>",
                   "reg = <0x00 0xa003fe0 0x00 0x1000>"), [
        r"(?m)^# data abort at EL1 on CPU 0, in a task or at boot: external abort",
        r"(?m)^Bail out! data abort at EL1 on CPU 0"]


@case(status=2)
def gic_where_nothing_answers(dts):
    return replace(dts, r"reg = <0x00 0x8000000 0x00 0x10000", "reg = <0x00 0xb000000 0x00 0x10000"), [
        r"irq: nothing answers at 0xb000000 \(distributor\)",
        r"Bail out! boot: no usable interrupt controller"]


@case(status=2)
def redistributors_where_nothing_answers(dts):
    return replace(dts, r"0x00 0x80a0000 0x00 0xf60000", "0x00 0xb000000 0x00 0xf60000"), [
        r"irq: nothing answers at 0xb000000 \(redistributors\)", r"Bail out! boot: "]


@case(machine="gic-version=2", status=2)
def gic_v2_interface_where_nothing_answers(dts):
    return replace(dts, r"(reg = <0x00 0x8000000 0x00 0x10000 )0x00 0x8010000", r"\g<1>0x00 0xb000000"), [
        r"irq: nothing answers at 0xb000000 \(CPU interface\)", r"Bail out! boot: "]


@case()
def ram_where_nothing_answers(dts):
    extra = 'memory@80000000 { device_type = "memory"; reg = <0x00 0x80000000 0x00 0x10000000>; };'
    return replace(dts, r"\tchosen \{\n", f"\t{extra}\n\tchosen {{\n"), [
        r"boot: RAM at 0x80000000, 262144 KiB: nothing answers there; it is not used",
        r"4 of 4 CPUs, 1 nodes, 256 MiB"]


@case(run="help;" * 8 + "echo+seen")
def without_uart_both_ends_of_a_long_text_are_told(dts):
    dts = replace(dts, r'"arm,pl011.{1,20}arm,primecell"', '"x,uart"')
    return dts, [r"console: none", r"(?m)^\[cut: \d+ characters did not fit here\]$", r"(?m)^seen$"]


@case(args="a " * 400, run="echo+ran", status=1)
def boot_text_that_does_not_fit_is_cut_with_a_note(dts):
    return dts, [r'boot: argument "a" is ignored: no such word', r"(?m)^ran$",
                 r"(?m)^\[cut: \d+ characters did not fit here\]$",
                 r"console: \d+ characters of boot text are lost"]


@case()
def no_uart_but_an_interrupt_where_its_node_would_be(dts):
    dts = replace(dts, r'"arm,pl011.{1,20}arm,primecell"', '"x,uart"')
    return replace(dts, r"/ \{\n", "/ {\n\tinterrupts = <0x00 0x01 0x04>;\n"), [
        r"console: none", r"4 of 4 CPUs", r"^(?!.*the UART has)"]


@case()
def redistributor_stride_that_leaves_the_address_space(dts):
    return replace(dts, r'compatible = "arm,gic-v3";',
                   'compatible = "arm,gic-v3"; redistributor-stride = <0xffffffff 0xffff0000>;'), [
        r"gic: no redistributor has the affinity of CPU 1 ", r"1 of 4 CPUs"]


@case()
def redistributor_stride_below_one_redistributor(dts):
    return replace(dts, r'compatible = "arm,gic-v3";',
                   'compatible = "arm,gic-v3"; redistributor-stride = <0x00 0x10000>;'), [
        r"gic: redistributor-stride 0x10000: must be", r"4 of 4 CPUs"]


@case()
def no_stdout_path(dts):
    return replace(dts, r'stdout-path = "[^"]*";', ""), [r"looking for any", r"console PL011"]


@case(machine="gic-version=2")
def gic_400(dts):
    return replace(dts, r'"arm,cortex-a15-gic"', '"arm,gic-400"'), [r"4 of 4 CPUs.*GICv2"]


@case()
def timer_by_extended_interrupts(dts):
    phandle = re.search(r"interrupt-parent = <([^>]*)>", dts)[1]
    cells = " ".join(f"{phandle} 0x01 {n} 0xf04" for n in ("0x0d", "0x0e", "0x0b", "0x0a"))
    return replace(dts, r"interrupts = <0x01 0x0d[^>]*>", f"interrupts-extended = <{cells}>"), [
        r"4 of 4 CPUs"]


@case(status=2)
def no_timer(dts):
    return dts.replace(node(dts, "timer"), ""), [r"Bail out! boot: no usable timer"]


@case(status=2)
def no_gic(dts):
    return replace(dts, r'compatible = "arm,gic-v3"', 'compatible = "x,gic"'), [
        r"irq: no interrupt controller", r"Bail out! boot: no usable interrupt controller"]


@case(status=2)
def gic_without_redistributors(dts):
    return replace(dts, r"(reg = <0x00 0x8000000 0x00 0x10000) 0x00 0x80a0000 0x00 0xf60000>",
                   r"\1>"), [r"irq: reg entry 1 \(redistributors\) is missing", r"Bail out!"]


@case(smp="3")
def redistributors_for_some_cores_only(dts):
    # The region ends after two: the third core finds none and turns itself off.
    return replace(dts, r"0x00 0x80a0000 0x00 0xf60000", "0x00 0x80a0000 0x00 0x40000"), [
        r"gic: no redistributor has the affinity of CPU 2", r"2 of 3 CPUs"]


@case(run="", keys="echo typed\rechp\x7fo twice\rpoweroff\r")
def keys_by_interrupt(dts):
    return dts, [r"(?m)^typed", r"(?m)^twice"]


@case(run="", keys="echo typed\rpoweroff\r", machine="gic-version=2")
def keys_by_polling(dts):
    uart = node(dts, "pl011@9000000")
    return dts.replace(uart, re.sub(r"interrupts = <[^>]*>;", "", uart)), [
        r"console: the UART has no usable interrupt; input is polled", r"(?m)^typed"]


def qemu(machine, smp, *more):
    return [QEMU, "-M", f"virt,{machine}", "-cpu", "cortex-a57", "-smp", smp, "-m", "256",
            "-display", "none", "-nic", "none", "-monitor", "none", "-no-reboot", *more]


def tree_of(scratch, machine, smp):
    blob = os.path.join(scratch, "qemu.dtb")
    subprocess.run(qemu(f"{machine},dumpdtb={blob}", smp, "-serial", "none"), check=True,
                   capture_output=True, timeout=TIMEOUT)
    return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", blob], check=True, text=True,
                          capture_output=True).stdout


def entry_code(tree):
    """ldr x0, tree; ldr x1, image; br x1"""
    return struct.pack("<4I2Q", 0x58000080, 0x580000A1, 0xD61F0020, 0xD503201F, tree, IMAGE_AT)


def loaded(scratch, name, address, content=None):
    path = name
    if content is not None:
        path = os.path.join(scratch, name)
        with open(path, "wb") as file:
            file.write(content)
    return ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]


def read_until(child, mark, deadline):
    """What the child prints up to `mark`, its end or the deadline."""
    out = b""
    while mark not in out and time.monotonic() < deadline:
        if select.select([child.stdout], [], [], 0.2)[0]:
            more = os.read(child.stdout.fileno(), 4096)
            if not more:
                break
            out += more
    return out


def boot(command, keys):
    """What the image prints, and its status; keys are typed once the monitor asks: what comes
    while a UART is being set up can be lost, on QEMU as on a real one."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    out = read_until(child, b"zonal> ", time.monotonic() + TIMEOUT) if keys else b""
    try:
        out += child.communicate(keys.encode() if keys else None, timeout=TIMEOUT)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        out += child.communicate()[0]
        return out.decode(errors="replace"), "none, it hangs"
    return out.decode(errors="replace").replace("\r", ""), child.returncode


def run_case(scratch, edit, machine, smp, run, args, want, keys, semihosting, x0):
    dts, patterns = edit(tree_of(scratch, machine, smp))
    words = " ".join(["exit=semihosting", args] + ([f"run={run}"] if run else []))
    dts = replace(dts, r"\tchosen \{\n", f'\tchosen {{\n\t\tbootargs = "{words}";\n')
    blob = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb"], input=dts.encode(), check=True,
                          capture_output=True).stdout
    command = qemu(machine, smp, *loaded(scratch, IMAGE, IMAGE_AT),
                   *loaded(scratch, "tree", TREE_AT, blob),
                   *(["-dtb", os.path.join(scratch, "tree")] if x0 else []),
                   *loaded(scratch, "entry", ENTRY_AT, entry_code(x0 or TREE_AT)),
                   "-device", f"loader,addr={ENTRY_AT:#x},cpu-num=0",
                   "-serial", "stdio", *(["-semihosting"] if semihosting else []))
    out, status = boot(command, keys)
    faults = [f"no line like: {p}" for p in patterns if not re.search(p, out, re.S if "?!" in p else 0)]
    if status != want:
        faults.append(f"status {status}, expected {want}")
    if run.startswith("test") and not re.search(r"# (\d+) of \1 passed", out):
        faults.append("not all tests passed")
    if run == "echo+done" and not want and not re.search(r"(?m)^done$", out):
        faults.append("the command did not run")
    return faults, out


def main():
    only = sys.argv[1:]
    if not os.path.exists(IMAGE):
        print(f"1..1\nnot ok 1 - odd_boards: there is no {IMAGE} to test")
        return 1
    return run_cases("odd_boards", [c for c in CASES if not only or c.__name__ in only],
                     (ValueError, AssertionError, subprocess.SubprocessError))


sys.exit(main())
