# SPDX-License-Identifier: BSD-2-Clause
# liblz4 as source: a tree, or Debian's source package unpacked by tools/setup.sh.
LZ4_DIR := $(or $(LZ4_SRC),$(O)/sysroot/lz4)
LZ4_OBJ := $(O)/lz4/lz4.o
# _LIBC_LIMITS_H_: gcc's limits.h looks for no other behind itself.
LZ4_FLAGS := -D_LIBC_LIMITS_H_ -DLZ4_FREESTANDING=1 -DLZ4_MEMORY_USAGE=12 -DLZ4_memcpy=memcpy \
	-DLZ4_memmove=memmove -DLZ4_memset=memset
FLAGS_swap_lz4.c := -isystem $(LZ4_DIR) $(LZ4_FLAGS)
$(LZ4_DIR)/lz4.c $(LZ4_DIR)/lz4.h: | $(O)/setup.build
$(O)/image/user/swap_lz4.c.o: $(LZ4_DIR)/lz4.h

# A foreign file keeps its own warning rules.
$(LZ4_OBJ): $(LZ4_DIR)/lz4.c $(O)/image/command
	$(call say_cc,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_CC) -O2 $(IMAGE_FLAGS) -include arch/arm64/include/hidden.h -include string.h \
		$(LZ4_FLAGS) -w -c -o $@ $<
