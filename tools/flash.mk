# SPDX-License-Identifier: BSD-2-Clause
# The 64 MiB for `-bios` and pflash: start-up code, header, image (arch/arm64/flash/flash.h). The last
# eight bytes of a gzip file are the CRC-32 and the size of what is in it.
.PHONY: flash
FLASH_OBJ := $(O)/flash/start.o $(O)/flash/flash.o
FLASH_FLAGS := -fno-pie -fno-jump-tables -O2
$(O)/flash/%.o: arch/arm64/flash/%.S arch/arm64/flash/flash.h $(O)/image/command
	$(call say_cc,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_CC) -I. -march=armv8-a -c -o $@ $<
$(O)/flash/%.o: arch/arm64/flash/%.c arch/arm64/flash/flash.h $(O)/image/command
	$(call say_cc,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_CC) $(COMMON) $(IMAGE_FLAGS) $(IMAGE_C) $(FLASH_FLAGS) $(STRING_FLAGS) -c -o $@ $<
$(O)/flash/start.elf: $(FLASH_OBJ) arch/arm64/flash/flash.ld
	$(call say,LD,$@)
	$(Q)$(LD) -static --build-id=none --gc-sections $(LD_QUIET) -T arch/arm64/flash/flash.ld -o $@ $(FLASH_OBJ)
$(O)/flash/start.bin: $(O)/flash/start.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -O binary $< $@ && truncate -s $$((0x3ff0)) $@
$(O)/flash.img: $(O)/zonal.img $(O)/flash/start.bin
	$(call say,FLASH,$@)
	$(Q){ cat $(O)/flash/start.bin; printf 'ZONALFL1'; gzip -c $< | tail -c 8; cat $<; } > $@
	$(Q)truncate -s 64M $@
flash: $(O)/flash.img
-include $(FLASH_OBJ:.o=.d)
