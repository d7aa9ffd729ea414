# SPDX-License-Identifier: BSD-2-Clause
IMAGE_lockstat := -DZONAL_LOCKSTAT=1
# Whole chains of calls: test/image/sites.t asks who called.
IMAGE_debug := $(DEBUG) -fno-optimize-sibling-calls

# What the core asks of the platform while memory is short goes through test/unit/mm/port_watch.c
# in an image with tests, which passes on what no test counts; and a panic through
# test/target/panic_caught.c, which passes on what no test waits for.
TEST_WRAPS := $(addprefix --wrap=zonal_port_,nap give_way kswapd_wake kcompactd_wake panic)

# An image: where it is, without a suffix, its objects, and flags for the linker. Linked again when the list of
# these changes. Linked twice: the symbol table of the first link goes into the second, for
# backtraces.
define IMAGE
$(1).parts: FORCE
	$$(Q)mkdir -p $$(@D); echo '$(2) $(3)' | cmp -s - $$@ || echo '$(2) $(3)' > $$@

$(1).pass1: $(2) $(1).parts $$(FDT_LIB) $$(LZ4_OBJ) arch/arm64/kernel.ld
	$$(call say,LD,$$@)
	$$(Q)$$(LD) $$(IMAGE_LDFLAGS) $(3) -o $$@ $(2) $$(FDT_LIB) $$(LZ4_OBJ)

$(1).symtab.S: $(1).pass1 tools/symtab
	$$(call say,SYMTAB,$$@)
	$$(Q)$$(NM) $$< | tools/symtab > $$@

$(1).elf: $(1).symtab.S
	$$(call say,LD,$$@)
	$$(Q)$$(IMAGE_CC) -c -o $(1).symtab.o $$<
	$$(Q)$$(LD) $$(IMAGE_LDFLAGS) $(3) -Map $(1).map -o $$@ $(2) $(1).symtab.o $$(FDT_LIB) $$(LZ4_OBJ)

$(1).img: $(1).elf
	$$(call say,OBJCOPY,$$@)
	$$(Q)$$(OBJCOPY) -O binary $$< $$@
endef
