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

# What a board prints of itself while it runs the demonstration and then runs short of memory, as a page.
.PHONY: view
view: $(O)/zonal.img | $(O)/setup.bench
	$(Q)tools/run_view.sh </dev/null >$(O)/view.log || { tail -n 5 $(O)/view.log; exit 1; }
	$(Q)tools/zonal-view -o $(O)/view.html --perfetto $(O)/view.json $(O)/view.log
	@echo 'Open $(abspath $(O)/view.html) in a browser, and $(O)/view.json in ui.perfetto.dev.'
