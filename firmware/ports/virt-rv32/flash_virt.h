/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine's data flash, unit 1 of its two, for core/flash_store.h. Before it: main.cpp. After
 * it: two 16-bit chips side by side, Intel's command set, CFI 1.
 */
#ifndef SEALEDTUNNEL_VIRT_FLASH_VIRT_H
#define SEALEDTUNNEL_VIRT_FLASH_VIRT_H

#include "flash_store.h"

/** Its first two sectors; nullptr: the machine was started without one. */
const Flash* open_data_flash();

#endif
