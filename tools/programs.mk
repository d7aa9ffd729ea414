# SPDX-License-Identifier: BSD-2-Clause
# Programs at EL0: one C file each, linked by itself, then part of the image. They are built by the
# image's compiler, but may use floating point and are not position independent.
.DEFAULT_GOAL := all
PROGRAM_SRC := $(wildcard user/programs/*.c)
TEST_PROGRAM_SRC := $(wildcard test/user/*.c)
programs = $(patsubst %.c,$(O)/programs/%.o,$(1))
PROGRAM_OBJ := $(call programs,$(PROGRAM_SRC) $(TEST_PROGRAM_SRC))
PROGRAM_FLAGS = $(filter-out -mgeneral-regs-only -fpie -moutline-atomics,$(IMAGE_FLAGS)) \
	-fno-pic -fno-pie -mno-outline-atomics
PROGRAM_LDFLAGS := -s -static -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none \
	-T user/programs/program.ld

# Kept, or make removes them at its end, with a line of their names.
.SECONDARY: $(PROGRAM_OBJ:.o=.elf) $(PROGRAM_OBJ:.o=.c.o)

$(O)/programs/command: FORCE | $(O)/setup.build
	$(Q)mkdir -p $(@D); echo '$(IMAGE_CC) $(COMMON) $(PROGRAM_FLAGS)' | cmp -s - $@ || \
		echo '$(IMAGE_CC) $(COMMON) $(PROGRAM_FLAGS)' > $@

$(O)/programs/%.c.o: %.c $(O)/programs/command
	$(call say_cc,"$< (EL0)")
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_CC) $(COMMON) $(PROGRAM_FLAGS) -c -o $@ $<

$(O)/programs/%.elf: $(O)/programs/%.c.o user/programs/program.ld
	$(Q)$(LD) $(PROGRAM_LDFLAGS) -o $@ $<

$(O)/programs/%.o: $(O)/programs/%.elf user/programs/embed.S
	$(Q)$(IMAGE_CC) -DPROGRAM_NAME='"$(*F)"' -DPROGRAM_FILE='"$<"' -c -o $@ user/programs/embed.S

-include $(patsubst %.c,$(O)/programs/%.c.d,$(PROGRAM_SRC) $(TEST_PROGRAM_SRC))
