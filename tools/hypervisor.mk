# SPDX-License-Identifier: BSD-2-Clause
# The hypervisor of examples/: an image for EL2 that takes the library as one more C file, and what
# its guests run. Part of the Makefile. As somebody else's project it has a port, flags and string
# functions of its own; the last are the image's.

HV := $(O)/hypervisor
# What it has in common with the bootloader; both are linked for the same address.
EXAMPLE_SRC := $(wildcard examples/common/*.[cS]) lib/freestanding/string.c
EXAMPLE_FLAGS = -std=gnu11 -O2 -g $(WARN) -ffreestanding -nostdinc -Ilib/freestanding -isystem $(IMAGE_INC) \
	-march=armv8-a -mgeneral-regs-only -mstrict-align $(if $(findstring clang,$(CC)),,-mno-outline-atomics) \
	-fno-pic -fno-pie -fno-common -fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	-DZONAL_MAX_NODES=4 -DZONAL_MAX_CPUS=8 $(DEFINES) -I$(O)/amalgam -Iexamples/common -isystem $(FDT_INC) $(FDT_ENV) -MMD -MP
HV_SRC := $(wildcard examples/hypervisor/*.[cS]) $(EXAMPLE_SRC)
HV_OBJ := $(HV_SRC:%=$(HV)/%.o) $(HV)/zonal.o
HV_FLAGS = $(EXAMPLE_FLAGS) -Iexamples/hypervisor

hypervisor: $(HV)/hypervisor.img $(HV)/guest.cpio

$(HV)/command: FORCE | $(O)/setup.hypervisor
	$(Q)mkdir -p $(@D); echo '$(IMAGE_CC) $(HV_FLAGS)' | cmp -s - $@ || echo '$(IMAGE_CC) $(HV_FLAGS)' > $@

$(HV)/%.o: % $(HV)/command $(PAIR)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_CC) $(HV_FLAGS) $(FLAGS_$(<F)) -c -o $@ $<

$(HV)/zonal.o: $(O)/amalgam/zonal.c examples/hypervisor/port_impl.h $(HV)/command $(PAIR)
	$(call say,CC,$<)
	$(Q)$(IMAGE_CC) $(HV_FLAGS) -c -o $@ $<

$(HV)/hypervisor.elf: $(HV_OBJ) $(FDT_LIB) examples/common/image.ld
	$(call say,LD,$@)
	$(Q)$(LD) -static --build-id=none --gc-sections -z max-page-size=4096 $(LD_QUIET) -T examples/common/image.ld -o $@ \
		$(HV_OBJ) $(FDT_LIB)

$(HV)/hypervisor.img: $(HV)/hypervisor.elf
	$(Q)$(OBJCOPY) -O binary $< $@

# What guests run: Debian's kernel, and an initramfs of a busybox and a script.
$(HV)/guest.cpio: tools/guest_archive.sh examples/hypervisor/init | $(O)/setup.hypervisor
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && tools/guest_archive.sh $(O)/sysroot/guest examples/hypervisor/init $@

test: hypervisor
.PHONY: hypervisor
-include $(HV_OBJ:.o=.d)
