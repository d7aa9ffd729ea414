# SPDX-License-Identifier: BSD-2-Clause
# Zonal: a NUMA page allocator for bare-metal ARM64. `make help` lists the goals.

O ?= build
CROSS_COMPILE ?= aarch64-linux-gnu-
SHAPE ?= 2n
EL ?= 1
GIC ?= 3
CPU ?= max
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
export O SHAPE EL GIC CPU V DISK VIRTIO CROSS_COMPILE

# ---- compilers: CC=clang builds everything with clang and lld ---------------------------
ifeq ($(origin CC),default)
CC := gcc
endif
ifneq ($(findstring clang,$(CC)),)
IMAGE_CC := $(CC) --target=aarch64-none-elf
LD := ld.lld
IMAGE_TOOLS := clang
STRING_FLAGS := -fno-builtin
else
IMAGE_CC := $(CROSS_COMPILE)gcc
LD := $(CROSS_COMPILE)ld
IMAGE_TOOLS := gcc
STRING_FLAGS := -fno-tree-loop-distribute-patterns
LD_QUIET := --no-warn-rwx-segments
endif
OBJCOPY := $(CROSS_COMPILE)objcopy
NM := $(CROSS_COMPILE)nm
SIZE := $(CROSS_COMPILE)size

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wconversion -Wsign-conversion \
	-Wswitch-default -Wunused-macros $(if $(findstring clang,$(CC)),-Wthread-safety)
COMMON := -std=gnu11 -O2 -g $(WARN) -MMD -MP -I. -Iinclude \
	-include lib/prefix.h $(EXTRA_CFLAGS)

# ---- the image ---------------------------------------------------------------------------
IMAGE_INC = $(eval IMAGE_INC := $$(shell $(IMAGE_CC) -print-file-name=include))$(IMAGE_INC)
# -nostdinc: only the compiler's own headers (asked for once) and lib/freestanding.
IMAGE_FLAGS = -ffreestanding -nostdinc -Ilib/freestanding \
	-isystem $(IMAGE_INC) \
	-Iarch/arm64/include -march=armv8-a -mgeneral-regs-only -mstrict-align -moutline-atomics \
	-fpie -fno-omit-frame-pointer -fno-common -fno-stack-protector \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -Wframe-larger-than=2048
# C files only: every symbol is hidden, so that none is reached through the GOT.
IMAGE_C = $(if $(filter %.c,$<),-include arch/arm64/include/hidden.h $(FDT_ENV))
IMAGE_LDFLAGS := -static -pie --no-dynamic-linker -z text -z max-page-size=4096 -z norelro \
	--build-id=none --gc-sections $(LD_QUIET) -T arch/arm64/kernel.ld
IMAGE_SRC := $(wildcard $(foreach f,boot kernel user,arch/arm64/$f/*.[cS]) $(addsuffix /*.c,mm mm/* sched lib lib/freestanding \
	board block drivers/* report monitor platform user))
IMAGE_TESTS := $(wildcard test/unit/*/*.c test/points/*.c test/target/*.c test/bench/*.c \
	test/ktest*.c) monitor/tests_here.c monitor/bench_image.c
# The image without tests is linked from the same objects, but for one file in their place.
PLAIN_SRC := $(filter-out $(IMAGE_TESTS),$(IMAGE_SRC))
FULL_SRC := $(filter-out monitor/tests_none.c,$(sort $(IMAGE_SRC) $(IMAGE_TESTS)))
objects = $(patsubst %,$(O)/image/%.o,$(1))
include tools/programs.mk tools/lz4.mk tools/view.mk
PLAIN_OBJ := $(call objects,$(PLAIN_SRC)) $(call programs,$(PROGRAM_SRC))
IMAGE_OBJ := $(if $(filter 0,$(TESTS)),$(PLAIN_OBJ),$(call objects,$(FULL_SRC)) $(PROGRAM_OBJ))

# libfdt: a source tree, a given archive, or Debian's package unpacked by tools/setup.sh.
ifdef LIBFDT_SRC
FDT_INC := $(LIBFDT_SRC)
# Its headers find the libfdt_env.h beside them before ours, so ours comes first.
FDT_ENV := -include lib/freestanding/libfdt_env.h
FDT_SRC := $(filter-out %/fdt_overlay.c,$(wildcard $(LIBFDT_SRC)/fdt*.c))
FDT_LIB := $(patsubst $(LIBFDT_SRC)/%.c,$(O)/libfdt/%.o,$(FDT_SRC))
else
FDT_INC := $(O)/sysroot/usr/include
FDT_LIB := $(or $(LIBFDT_LIB),$(O)/sysroot/usr/lib/aarch64-linux-gnu/libfdt.a)
endif

# ---- the host programs -------------------------------------------------------------------
HOST_FLAGS := -Iarch/host/include -Iarch/host -D_GNU_SOURCE -pthread -fno-omit-frame-pointer
HOST_LIBS := -lfdt -lcjson -lz -pthread
HOST_CORE := $(filter-out board/seeds.c user/swap_lz4.c,$(wildcard $(addsuffix /*.c,mm mm/* lib sched arch/host \
	board block report) monitor/monitor_*.c drivers/virtio/virtio_*.c user/swap*.c)) user/asid.c user/elf.c user/range.c
TEST_SRC := test/ktest.c test/ktest_sched.c $(wildcard test/host_*.c test/host/*.c test/unit/*/*.c)
HOST_PROGRAMS := test topology oracle bench model stress harness replay
PROGRAMS := $(HOST_PROGRAMS) fuzz hooks
SRC_test := $(TEST_SRC)
SRC_topology := $(wildcard tools/topology*.c)
SRC_oracle := $(wildcard tools/oracle*.c tools/frames*.c)
SRC_bench := $(wildcard tools/bench*.c) $(wildcard test/bench/*.c)
SRC_stress := $(wildcard test/model/stress_*.c)
SRC_model := $(filter-out $(SRC_stress),$(wildcard test/model/*.c))
SRC_fuzz := test/fuzz/fuzz_topology.c
# Something else happens at every access in turn: needs the variant host-hooks.
SRC_hooks := test/ktest.c test/host_main.c $(wildcard test/hooks/*.c test/points/*.c \
	test/unit/mm/kt_*.c)
SRC_harness := test/ktest.c test/host_main.c test/harness/broken.c
VARIANTS := host-gcc-asan host-clang-asan host-tsan
# The costly assertions and the watch over the order of locks; never in what ships.
DEBUG := -DZONAL_DEBUG=1
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -O1 $(DEBUG)

.PHONY: all host lib lib-sizes install dist run test bench host-test qemu gdb fuzz soak historic models \
	proofs mutate lint size clean help setup FORCE
.DELETE_ON_ERROR:
all: $(O)/zonal.img
host: $(HOST_PROGRAMS:%=$(O)/host/%)

$(FDT_LIB): | $(O)/setup.build

# What a goal needs is installed on its first use; the stamp keeps later runs quick.
$(O)/setup.%: tools/setup.sh
	$(Q)mkdir -p $(@D); echo '*' > $(@D)/.gitignore
	$(Q)LIBFDT_GIVEN=$(LIBFDT_SRC)$(LIBFDT_LIB) LZ4_GIVEN=$(LZ4_SRC) IMAGE_TOOLS=$(IMAGE_TOOLS) tools/setup.sh $*
	$(Q)touch $@
setup: $(O)/setup.test

# Objects depend on the command that made them, so that another CC or flag rebuilds.
$(O)/image/command: FORCE | $(O)/setup.build
	$(Q)mkdir -p $(@D); echo '$(IMAGE_CC) $(COMMON) $(IMAGE_FLAGS)' | cmp -s - $@ || \
		echo '$(IMAGE_CC) $(COMMON) $(IMAGE_FLAGS)' > $@

$(O)/image/%.o: % $(O)/image/command
	$(call say_cc,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_CC) $(COMMON) $(IMAGE_FLAGS) -isystem $(FDT_INC) $(IMAGE_C) $(FLAGS_$(<F)) -c -o $@ $<
FLAGS_string.c := $(STRING_FLAGS)

# A foreign tree keeps its own warning rules.
$(O)/libfdt/%.o: $(LIBFDT_SRC)/%.c $(O)/image/command
	$(call say_cc,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_CC) -O2 $(IMAGE_FLAGS) -I$(LIBFDT_SRC) $(FDT_ENV) -c -o $@ $<

include tools/image.mk
$(eval $(call IMAGE,$(O)/zonal,$(IMAGE_OBJ),$(if $(filter 0,$(TESTS)),,$(TEST_WRAPS))))
$(eval $(call IMAGE,$(O)/plain/zonal,$(PLAIN_OBJ)))

# The image with the costly assertions, and the one that counts locks; `make test` boots both.
$(O)/debug/zonal.img $(O)/lockstat/zonal.img: $(O)/%/zonal.img: FORCE $(FDT_LIB) | $(O)/setup.build
	$(Q)$(MAKE) --no-print-directory O=$(O)/$* EXTRA_CFLAGS='$(EXTRA_CFLAGS) $(IMAGE_$*)' \
		$(if $(LIBFDT_SRC),,LIBFDT_LIB=$(FDT_LIB) FDT_INC=$(FDT_INC)) LZ4_SRC=$(LZ4_DIR) all

# One variant of the host build: folder, compiler (gcc knows no -Wthread-safety), extra flags.
common_of = $(if $(findstring clang,$(1)),$(COMMON),$(filter-out -Wthread-safety,$(COMMON)))
define HOST_VARIANT
$(O)/$(1)/command: FORCE | $(O)/setup.$(4)
	$$(Q)mkdir -p $$(@D); echo '$(2) $$(call common_of,$(2)) $$(HOST_FLAGS) $(3)' | cmp -s - $$@ || \
		echo '$(2) $$(call common_of,$(2)) $$(HOST_FLAGS) $(3)' > $$@
$(O)/$(1)/obj/%.o: %.c $(O)/$(1)/command
	$$(call say_cc,"$$< ($(1))")
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $$(call common_of,$(2)) $$(HOST_FLAGS) $(3) -c -o $$@ $$<
$(foreach p,$(filter-out $(ELSEWHERE_$(1)),$(PROGRAMS)),
$(O)/$(1)/$(p): $(patsubst %.c,$(O)/$(1)/obj/%.o,$(HOST_CORE) $(SRC_$(p)))
	$$(call say,LD,$$@)
	$$(Q)$(2) $(3) -o $$@ $$(filter %.o,$$^) $$(HOST_LIBS)
)
-include $$(patsubst %.c,$(O)/$(1)/obj/%.d,$$(HOST_CORE) $$(foreach p,$$(PROGRAMS),$$(SRC_$$(p))))
endef
$(eval $(call HOST_VARIANT,host,$(CC),,host))
$(eval $(call HOST_VARIANT,host-gcc-asan,gcc,$(SAN),host))
$(eval $(call HOST_VARIANT,host-clang-asan,clang,$(SAN),test))
$(eval $(call HOST_VARIANT,host-tsan,gcc,-fsanitize=thread -O1 $(DEBUG),test))
$(eval $(call HOST_VARIANT,host-hooks,$(CC),-DZONAL_ATOMIC_HOOK,test))
$(eval $(call HOST_VARIANT,host-mutant,gcc,-O1 -g0 -w $(DEBUG) -fsanitize=undefined -fsanitize-undefined-trap-on-error,host))
$(eval $(call HOST_VARIANT,host-parks,$(CC),-DHOST_PARKS,host))
$(eval $(call HOST_VARIANT,host-fuzz,clang,$(SAN) -fsanitize=fuzzer,test))
-include $(patsubst %.o,%.d,$(sort $(IMAGE_OBJ) $(PLAIN_OBJ)))
include tools/progress.mk tools/bench.mk tools/lib.mk tools/flash.mk tools/examples.mk

# ---- running -----------------------------------------------------------------------------
run qemu: $(O)/zonal.img | $(O)/setup.run
	$(Q)tools/run_qemu.sh

gdb: $(O)/zonal.img | $(O)/setup.gdb
	$(Q)tools/gdb.sh

bench: $(O)/zonal.img $(O)/host/bench | $(O)/setup.bench
	$(Q)tools/run_bench.sh

host-test: $(O)/zonal.img $(VARIANTS:%=$(O)/%/test) $(O)/host-gcc-asan/model $(O)/host-gcc-asan/topology $(O)/host-tsan/stress \
		$(O)/host-hooks/hooks host
	$(Q)tools/run_tests.sh host

test: $(O)/flash.img $(patsubst %,$(O)/%/zonal.img,plain debug lockstat) $(VARIANTS:%=$(O)/%/test) $(O)/host-gcc-asan/model \
		$(O)/host-gcc-asan/topology $(O)/host-tsan/stress $(O)/host-hooks/hooks host | $(O)/setup.test
	$(Q)tools/run_tests.sh host boot

fuzz soak: $(O)/host-fuzz/fuzz $(O)/host-clang-asan/model
	$(Q)MINUTES='$(MINUTES)' tools/run_$@.sh
soak: $(O)/zonal.img $(O)/host/test $(O)/host-tsan/stress
models proofs: %: | $(O)/setup.%
	$(Q)tools/run_$@.py
# Broken on purpose: which test notices?
historic mutate: $(addprefix $(O)/host-mutant/,test model oracle topology)
	$(Q)N='$(N)' SEED='$(SEED)' tools/$@.py $(FILES)
historic: $(O)/host-hooks/hooks $(O)/host-tsan/stress $(O)/host-tsan/test
sources-%:
	@echo $(HOST_CORE) $(SRC_$*) $(HOST_LIBS)
lint: | $(O)/setup.test
	+$(Q)tools/run_lint.sh
# The image, the image without tests, and what the first is made of.
size: $(O)/zonal.elf $(O)/plain/zonal.elf
	$(Q)$(SIZE) $^ $(IMAGE_OBJ)

clean:
	rm -rf $(O)
help:
	@echo 'Goals:'
	@echo '  all        the image: $(O)/zonal.img and $(O)/zonal.elf; TESTS=0: without tests; flash: $(O)/flash.img'
	@echo '  host       the host programs: $(HOST_PROGRAMS:%=$(O)/host/%)'
	@echo '  lib        $(O)/libzonal.a and the pair $(O)/amalgam/; install DESTDIR= PREFIX=, dist'
	@echo '  run, qemu  boot the board SHAPE under QEMU; on a terminal the monitor opens'
	@echo '  test       everything: host variants, checks, a matrix of boards; TEST=GLOB… selects'
	@echo '  host-test  the host part of it (ASan, UBSan with gcc and clang; TSan)'
	@echo '  bench, view   counted instructions, beside Linux 5.10; a board short of memory as a page, $(O)/view.html'
	@echo '  gdb        QEMU stopped at reset and gdb-multiarch (help zonal); tools/panic.py LOG: a panic by file and line'
	@echo '  historic, mutate   broken on purpose, by hand or N= times in each of FILES='
	@echo '  hypervisor bootloader (examples/), models proofs fuzz soak lint size clean'
	@echo 'Variables: O=$(O) SHAPE=$(SHAPE) EL=$(EL) GIC=$(GIC) CPU=$(CPU) V=$(V) CC=$(CC) DISK=FILE'
	@echo '  CROSS_COMPILE=$(CROSS_COMPILE) LIBFDT_LIB= LIBFDT_SRC= LZ4_SRC= TESTS=0 EXTRA_CFLAGS='
	@tools/board.sh --list
