# SPDX-License-Identifier: BSD-2-Clause
# How a build shows itself: on all cores, a line for each file with a count, nothing but
# faults under `make -s`; and what the image says of its own build. Part of the Makefile,
# whose lists of objects it counts.

ifeq ($(filter -j%,$(MAKEFLAGS))$(filter-out 0,$(MAKELEVEL)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

# The objects of these goals that are not there yet. Those of changed sources come on top.
GOALS := $(or $(MAKECMDGOALS),all)
COUNTED := $(if $(filter host bench test host-test,$(GOALS)),host) \
	$(if $(filter test host-test,$(GOALS)),$(VARIANTS))
EXPECT := $(if $(filter all run qemu gdb bench view size test host-test,$(GOALS)),$(IMAGE_OBJ)) \
	$(foreach v,$(COUNTED),$(patsubst %.c,$(O)/$(v)/obj/%.o,$(sort $(HOST_CORE) \
	$(foreach p,$(if $(filter host,$(v)),$(HOST_PROGRAMS),test),$(SRC_$(p))))))
MISSING := $(words $(filter-out $(wildcard $(EXPECT)),$(EXPECT)))

QUIET := $(findstring s,$(firstword -$(filter-out --%,$(MAKEFLAGS))))
say = $(if $(QUIET),@:,@printf '  %-7s %s\n' $(1) $(2))
say_cc = $(if $(QUIET),@:,$(eval DONE += x)@printf '  %-7s [%3s%s] %s\n' CC \
	$(words $(DONE)) '$(if $(word $(words $(DONE)),$(wordlist 1,$(MISSING),$(EXPECT))),/$(MISSING))' $(1))

# What the first line of a boot names.
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
FLAGS_version.c = -DBUILD_VERSION='"$(VERSION)"' -DBUILD_FLAGS='"$(subst ",\",$(EXTRA_CFLAGS))"'
$(O)/image/platform/version.c.o: $(O)/image/version

$(O)/image/version: FORCE
	$(Q)mkdir -p $(@D); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
