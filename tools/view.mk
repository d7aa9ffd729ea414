# SPDX-License-Identifier: BSD-2-Clause
# A look inside: the player of recorded runs, and pictures of a running board. Part of the Makefile.

# With the sanitizers, or it would show a difference and not its cause.
SRC_replay := tools/replay.c $(filter-out tools/oracle.c,$(wildcard tools/oracle*.c)) $(wildcard tools/frames*.c)
$(O)/host/replay: $(O)/host-gcc-asan/replay
	$(Q)mkdir -p $(@D) && cp $< $@
