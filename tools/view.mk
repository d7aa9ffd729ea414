# SPDX-License-Identifier: BSD-2-Clause
# A look inside: the player of recorded runs, and pictures of a running board. Part of the Makefile.

# Programs of build/host/ that are another variant's: a bench whose locks park (host_lock.h), and
# the player with the sanitizers, or it would show a difference and not its cause.
ELSEWHERE_host := bench replay
$(O)/host/bench: $(O)/host-parks/bench
SRC_replay := tools/replay.c $(filter-out tools/oracle.c,$(wildcard tools/oracle*.c)) $(wildcard tools/frames*.c)
$(O)/host/replay: $(O)/host-gcc-asan/replay
$(ELSEWHERE_host:%=$(O)/host/%):
	$(Q)mkdir -p $(@D) && cp $< $@
