/* SPDX-License-Identifier: Apache-2.0
 *
 * What lwIP wants to know of compiler and machine. Its assertions are of its own invariants and are
 * left out; what checks arguments (LWIP_ERROR) stays.
 */
#ifndef SEALEDTUNNEL_VIRT_LWIP_CC_H
#define SEALEDTUNNEL_VIRT_LWIP_CC_H

#include <stdint.h>

#define BYTE_ORDER LITTLE_ENDIAN
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NOASSERT 1
#define LWIP_PLATFORM_DIAG(message)

#ifdef __cplusplus
extern "C" {
#endif
/** 32 bits of the machine's chance (port_virt.cpp). Not libc's: that wants thread-local storage. */
uint32_t chance32(void);
#ifdef __cplusplus
}
#endif
#define LWIP_RAND() chance32()

#endif
