# SPDX-License-Identifier: BSD-2-Clause
# The images of examples/: a hypervisor for EL2, and a bootloader for EL1 or EL2. Part of the
# Makefile. As somebody else's projects they take the library as one more C file, and have ports,
# flags and string functions of their own; the last are the image's.

# What both have; they are linked for the same address.
EXAMPLE_SRC := $(wildcard examples/common/*.[cS]) lib/freestanding/string.c
EXAMPLE_FLAGS = -std=gnu11 -O2 -g $(WARN) -ffreestanding -nostdinc -Ilib/freestanding -isystem $(IMAGE_INC) \
	-march=armv8-a -mgeneral-regs-only -mstrict-align $(if $(findstring clang,$(CC)),,-mno-outline-atomics) \
	-fno-pic -fno-pie -fno-common -fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	-DZONAL_MAX_NODES=4 -DZONAL_MAX_CPUS=8 $(DEFINES) -I$(O)/amalgam -Iexamples/common -isystem $(FDT_INC) $(FDT_ENV) -MMD -MP

# $(call EXAMPLE,NAME,ARCHIVE,PORT,FLAGS): build/NAME/NAME.img of examples/NAME and the port's
# source, if it has none of its own; and the archive of Debian's kernel with a busybox and examples/NAME/init.
define EXAMPLE
$1_OBJ := $$(patsubst %,$$(O)/$1/%.o,$$(wildcard examples/$1/*.[cS]) $3 $$(EXAMPLE_SRC) zonal)
$1_FLAGS = $$(EXAMPLE_FLAGS) -Iexamples/$1 $4

$1: $$(O)/$1/$1.img $$(O)/$1/$2

$$(O)/$1/command: FORCE | $$(O)/setup.hypervisor
	$$(Q)mkdir -p $$(@D); echo '$$(IMAGE_CC) $$($1_FLAGS)' | cmp -s - $$@ || echo '$$(IMAGE_CC) $$($1_FLAGS)' > $$@

$$(O)/$1/%.o: % $$(O)/$1/command $$(PAIR)
	$$(call say,CC,$$<)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(IMAGE_CC) $$($1_FLAGS) $$(FLAGS_$$(<F)) -c -o $$@ $$<

$$(O)/$1/zonal.o: $$(O)/amalgam/zonal.c $$(wildcard examples/$1/port_impl.h) $$(O)/$1/command $$(PAIR)
	$$(call say,CC,$$<)
	$$(Q)$$(IMAGE_CC) $$($1_FLAGS) -c -o $$@ $$<

$$(O)/$1/$1.elf: $$($1_OBJ) $$(FDT_LIB) examples/common/image.ld
	$$(call say,LD,$$@)
	$$(Q)$$(LD) -static --build-id=none --gc-sections -z max-page-size=4096 $$(LD_QUIET) \
		-T examples/common/image.ld -o $$@ $$($1_OBJ) $$(FDT_LIB)

$$(O)/$1/$1.img: $$(O)/$1/$1.elf
	$$(Q)$$(OBJCOPY) -O binary $$< $$@

$$(O)/$1/$2: tools/guest_archive.sh examples/$1/init | $$(O)/setup.hypervisor
	$$(call say,CPIO,$$@)
	$$(Q)mkdir -p $$(@D) && tools/guest_archive.sh $$(O)/sysroot/guest examples/$1/init $$@

test: $1
.PHONY: $1
-include $$($1_OBJ:.o=.d)
endef

$(eval $(call EXAMPLE,hypervisor,guest.cpio,,))
# One core that allocates at boot: no reclaim, OOM, groups, policies, late pages.
$(eval $(call EXAMPLE,bootloader,boot.cpio,arch/template/template_port.c,-DZONAL_AMALGAM -Iarch/template/include \
	$(patsubst %,-DZONAL_%=0,RECLAIM OOM CMA GROUPS DEFERRED AIDS POLICY)))
