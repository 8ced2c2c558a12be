/* SPDX-License-Identifier: Apache-2.0
 *
 * What main.cpp sets before the device starts. Before it: the command line. After it:
 * port_posix.cpp, file_flash.cpp.
 */
#ifndef SEALEDTUNNEL_PORT_POSIX_H
#define SEALEDTUNNEL_PORT_POSIX_H

#include "flash_store.h"

/** For restart, which runs the same program again; lives as long as the process. */
void port_set_arguments(char** argv);

/** The clock shows `ms` now. */
void port_set_clock(uint32_t ms);

/**
 * The flash in a file, which is made (all 0xff) where there is none; null, and `*why` says it: it
 * can't be opened, is not as long as a flash, or another process has it.
 */
const Flash* open_file_flash(const char* path, const char** why);

#endif
