# SPDX-License-Identifier: BSD-2-Clause
# The benchmark on the host with an allocator of somebody else beside this one. Part of the Makefile.
bench-with: $(patsubst %.c,$(O)/host-parks/obj/%.o,$(HOST_CORE) $(SRC_bench))
	$(if $(WITH),,$(error bench-with: WITH= is empty: the objects of an allocator, see tools/bench_allocator.h))
	$(Q)$(CC) -o $(or $(OUT),$(O)/bench-with) $(filter %.o,$^) $(WITH) $(HOST_LIBS)
.PHONY: bench-with
