# SPDX-License-Identifier: BSD-2-Clause
# The bootloader of examples/: an image for EL1 or EL2 that takes the library as one more C file and
# the template port as it is, and what it starts. Part of the Makefile, behind hypervisor.mk, of
# which it has flags and what both examples have in common.

BL := $(O)/bootloader
BL_SRC := $(wildcard examples/bootloader/*.[cS]) arch/template/template_port.c $(EXAMPLE_SRC)
BL_OBJ := $(BL_SRC:%=$(BL)/%.o) $(BL)/zonal.o
# One core that allocates at boot: no reclaim, OOM, groups, policies, late pages.
BL_FLAGS = $(EXAMPLE_FLAGS) -DZONAL_AMALGAM $(patsubst %,-DZONAL_%=0,RECLAIM OOM CMA GROUPS DEFERRED AIDS POLICY) \
	-Iexamples/bootloader -Iarch/template/include

bootloader: $(BL)/bootloader.img $(BL)/boot.cpio

$(BL)/command: FORCE | $(O)/setup.hypervisor
	$(Q)mkdir -p $(@D); echo '$(IMAGE_CC) $(BL_FLAGS)' | cmp -s - $@ || echo '$(IMAGE_CC) $(BL_FLAGS)' > $@

$(BL)/%.o: % $(BL)/command $(PAIR)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_CC) $(BL_FLAGS) $(FLAGS_$(<F)) -c -o $@ $<

$(BL)/zonal.o: $(O)/amalgam/zonal.c $(BL)/command $(PAIR)
	$(call say,CC,$<)
	$(Q)$(IMAGE_CC) $(BL_FLAGS) -c -o $@ $<

$(BL)/bootloader.elf: $(BL_OBJ) $(FDT_LIB) examples/common/image.ld
	$(call say,LD,$@)
	$(Q)$(LD) -static --build-id=none --gc-sections -z max-page-size=4096 $(LD_QUIET) -T examples/common/image.ld -o $@ \
		$(BL_OBJ) $(FDT_LIB)

$(BL)/bootloader.img: $(BL)/bootloader.elf
	$(Q)$(OBJCOPY) -O binary $< $@

# What it starts: Debian's kernel, and an initramfs of a busybox and a script.
$(BL)/boot.cpio: tools/guest_archive.sh examples/bootloader/init | $(O)/setup.hypervisor
	$(call say,CPIO,$@)
	$(Q)tools/guest_archive.sh $(O)/sysroot/guest examples/bootloader/init $@

test: bootloader
.PHONY: bootloader
-include $(BL_OBJ:.o=.d)
