# SPDX-License-Identifier: BSD-2-Clause
# For a project's Makefile:
#
#   include path/to/zonal.mk
#   objects += $(ZONAL_OBJECTS)
#   CFLAGS += $(ZONAL_CFLAGS)
#
# zonal.o is compiled by the project's own rule for C files. Before it is included, or on the
# command line: ZONAL_PORT_DIR, the folder with port_impl.h (else the template's beside this file),
# ZONAL_CONFIG, the -DZONAL_... values.
ZONAL_DIR := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
ZONAL_PORT_DIR ?= $(ZONAL_DIR)/template
ZONAL_OBJECTS := zonal.o
ZONAL_CFLAGS := -std=gnu11 -I$(ZONAL_DIR) -I$(ZONAL_PORT_DIR) -DZONAL_AMALGAM $(ZONAL_CONFIG)
vpath zonal.c $(ZONAL_DIR)
