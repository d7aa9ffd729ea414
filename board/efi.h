/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of UEFI that the EFI stub uses. Reference: "Unified Extensible Firmware Interface
 * Specification", 2.9, chapters 4 (tables), 7 (boot services), 9 (loaded image), 12 (console).
 * Members that nobody here calls are pointers without a type.
 */
#ifndef BOARD_EFI_H
#define BOARD_EFI_H

#include "handover.h"

#include <zonal/types.h>

typedef uint64_t efi_status;

#define EFI_SUCCESS 0ull
#define EFI_ERROR(n) (0x8000000000000000ull | (n))
#define EFI_LOAD_ERROR EFI_ERROR(1)
#define EFI_INVALID_PARAMETER EFI_ERROR(2)
#define EFI_BUFFER_TOO_SMALL EFI_ERROR(5)
#define EFI_OUT_OF_RESOURCES EFI_ERROR(9)
#define EFI_NOT_FOUND EFI_ERROR(14)

#define EFI_SYSTEM_SIGNATURE 0x5453595320494249ull /* "IBI SYST" */
#define EFI_PAGE_BYTES 4096u

struct efi_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

struct efi_header {
	uint64_t signature;
	uint32_t revision, bytes, crc, reserved;
};

struct efi_text_output {
	void *reset;
	efi_status (*output_string)(struct efi_text_output *self, const uint16_t *text);
};

enum efi_memory_type {
	EFI_RESERVED, EFI_LOADER_CODE, EFI_LOADER_DATA, EFI_BOOT_CODE, EFI_BOOT_DATA,
	EFI_RUNTIME_CODE, EFI_RUNTIME_DATA, EFI_CONVENTIONAL, EFI_UNUSABLE, EFI_ACPI_RECLAIM,
	EFI_ACPI_NVS, EFI_MMIO, EFI_MMIO_PORT, EFI_PAL_CODE, EFI_PERSISTENT,
};

/* Attributes: how a range may be mapped. */
#define EFI_MEMORY_WC 0x2ull
#define EFI_MEMORY_WT 0x4ull
#define EFI_MEMORY_WB 0x8ull
#define EFI_MEMORY_RUNTIME (1ull << 63)

/* Entries of the map are `descriptor_bytes` apart, which may be more than this. */
struct efi_memory {
	uint32_t type;
	uint64_t start;
	uint64_t virtual_start;
	uint64_t pages;
	uint64_t attributes;
};

struct efi_boot_services {
	struct efi_header header;
	void *raise_tpl, *restore_tpl;
	efi_status (*allocate_pages)(uint32_t how, uint32_t type, uint64_t pages, uint64_t *at);
	efi_status (*free_pages)(uint64_t at, uint64_t pages);
	efi_status (*get_memory_map)(uint64_t *bytes, struct efi_memory *map, uint64_t *key,
				     uint64_t *descriptor_bytes, uint32_t *version);
	void *allocate_pool, *free_pool;
	void *events[6];
	void *protocols[3];
	efi_status (*handle_protocol)(void *handle, const struct efi_guid *guid, void **out);
	void *more[5];
	void *load_image, *start_image, *exit, *unload_image;
	efi_status (*exit_boot_services)(void *handle, uint64_t key);
};

struct efi_table {
	struct efi_guid guid;
	const void *at;
};

struct efi_system {
	struct efi_header header;
	const uint16_t *vendor;
	uint32_t vendor_revision;
	void *in_handle, *in;
	void *out_handle;
	struct efi_text_output *out;
	void *error_handle;
	struct efi_text_output *error;
	void *runtime;
	struct efi_boot_services *boot;
	uint64_t table_count;
	const struct efi_table *table;
};

struct efi_loaded_image {
	uint32_t revision;
	void *parent;
	struct efi_system *system;
	void *device, *path, *reserved;
	uint32_t options_bytes;
	const void *options;
	void *base;
	uint64_t bytes;
};

/* How the first member of efi_boot_services.allocate_pages() chooses. */
#define EFI_ANY_PAGES 0u

/* The image as the entry code (arch/arm64/boot/efi.S) knows it, and what comes out of it. */
struct efi_image {
	const char *start;
	uint64_t file_bytes;   /* code and data, which are copied */
	uint64_t memory_bytes; /* with BSS */
	uint64_t handover_at;  /* offset of boot_handover */
	uint64_t entry;        /* out: the copy, on 2 MiB */
	uint64_t tree;         /* out: the device tree */
};

/*
 * Get everything ready and leave boot services. EFI_SUCCESS: firmware is gone, image->entry may
 * be entered. Anything else: firmware is still there, nothing stays allocated, and one line on
 * its console has said why (none if firmware failed while it left).
 * Context: the image's entry point; code that runs at any address and reads no stored pointer.
 */
efi_status efi_boot(void *handle, struct efi_system *system, struct efi_image *image);

/* efi_map.c: the map as `count` entries of `step` bytes, into *out: sorted, joined, by kind. */
void efi_map_read(const void *map, uint64_t count, uint64_t step, struct handover *out);

/* efi_text.c: load options to a command line at `to`; its bytes, or -1 if it has no place in
 * `room`. Words that loaders add of themselves are left out. What is no text has 0 bytes. */
int efi_text_read(const void *options, uint32_t bytes, char *to, uint32_t room);

#endif
