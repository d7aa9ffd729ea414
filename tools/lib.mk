# SPDX-License-Identifier: BSD-2-Clause
# The core as a library: one pair of files, and an archive that is compiled from it. Part of the
# Makefile, whose compiler and warnings it uses; CROSS_COMPILE= is this machine.

# The folder with port_impl.h. That of the template calls out for every hook, so that one archive
# goes with any port; flags of the machine that it is for, and -DZONAL_... values.
PORT ?= arch/template/include
PREFIX ?= /usr/local
LIB_FLAGS ?= -O2 $(if $(findstring aarch64,$(LIB_MACHINE)),-mgeneral-regs-only -mstrict-align \
	$(if $(findstring clang,$(CC)),,-mno-outline-atomics))
LIB_MACHINE = $(eval LIB_MACHINE := $$(shell $(IMAGE_CC) -dumpmachine))$(LIB_MACHINE)
LIB_CFLAGS = -std=gnu11 -g $(WARN) -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-unwind-tables \
	-ffunction-sections -fdata-sections $(LIB_FLAGS) $(filter -DZONAL_%,$(EXTRA_CFLAGS))
AR := $(CROSS_COMPILE)ar
DEFINES = $(filter -DZONAL_%,$(EXTRA_CFLAGS))

PAIR := $(O)/amalgam/zonal.c $(O)/amalgam/zonal.h
LIB_SHARE := $(PAIR) tools/lib/zonal.mk docs/porting.md docs/api.md LICENSE
LIB_TEMPLATE := arch/template/template_port.c $(wildcard arch/template/include/*.h)
LIB_HEADERS := $(filter-out %/user.h,$(wildcard include/zonal/*.h))
RELEASE = $(O)/zonal-$(VERSION)

lib: $(O)/libzonal.a $(O)/lib/zonal.pc $(O)/lib/zonal-config.cmake

$(O)/amalgam/.made: tools/amalgam.py lib/prefix.h $(wildcard include/zonal/*.h mm/*.[ch] mm/*/*.[ch] lib/*.[ch])
	$(call say,AMALGAM,$(O)/amalgam/zonal.c)
	$(Q)mkdir -p $(@D) && tools/amalgam.py $(@D) && touch $@
$(PAIR): $(O)/amalgam/.made

$(O)/lib/command: FORCE | $(O)/setup.lib
	$(Q)mkdir -p $(@D); echo '$(IMAGE_CC) $(LIB_CFLAGS) $(PORT)' | cmp -s - $@ || \
		echo '$(IMAGE_CC) $(LIB_CFLAGS) $(PORT)' > $@

$(O)/lib/zonal.o: $(PAIR) $(wildcard $(PORT)/*.h) $(O)/lib/command
	$(call say,CC,$(O)/amalgam/zonal.c)
	$(Q)$(IMAGE_CC) $(LIB_CFLAGS) -I$(O)/amalgam -I$(PORT) -c -o $@ $<

$(O)/libzonal.a: $(O)/lib/zonal.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcD $@ $<

$(O)/lib/%: tools/lib/%.in $(O)/lib/command
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(LIB_VERSION)|' \
		-e 's|@DEFINES@|$(addprefix $(if $(findstring .pc,$@), ,),$(DEFINES))|' $< > $@
LIB_VERSION = $(shell sed -n 's/.*ZONAL_VERSION_TEXT "\(.*\)"/\1/p' include/zonal/version.h)

# Everything below DESTDIR PREFIX: include/zonal, lib, and in share/zonal what is compiled along.
install: lib
	$(Q)set -e; to='$(DESTDIR)$(PREFIX)'; \
	install -d "$$to/include/zonal" "$$to/lib/pkgconfig" "$$to/lib/cmake/zonal" "$$to/share/zonal/template"; \
	install -m 644 $(LIB_HEADERS) "$$to/include/zonal"; \
	install -m 644 $(O)/libzonal.a "$$to/lib"; \
	install -m 644 $(O)/lib/zonal.pc "$$to/lib/pkgconfig"; \
	install -m 644 $(O)/lib/zonal-config.cmake "$$to/lib/cmake/zonal"; \
	install -m 644 $(LIB_SHARE) "$$to/share/zonal"; \
	install -m 644 $(LIB_TEMPLATE) "$$to/share/zonal/template"

# What an embedder needs who takes no package: the pair, the template, the docs, the licence.
dist: $(PAIR)
	$(Q)rm -rf $(RELEASE) && mkdir -p $(RELEASE)/template && \
	cp $(LIB_SHARE) README.md docs/design.md docs/limits.md docs/walk.md $(RELEASE) && \
	cp $(LIB_TEMPLATE) $(RELEASE)/template && \
	tar -C $(O) --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -czf $(RELEASE).tar.gz zonal-$(VERSION)
	$(Q)rm -rf $(RELEASE); echo '$(RELEASE).tar.gz'

# By the parts that a build has: text, metadata, instance.
lib-sizes: | $(O)/setup.lib
	$(Q)tools/lib_sizes.py
