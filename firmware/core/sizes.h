/* SPDX-License-Identifier: Apache-2.0
 *
 * How large everything on a device is. The core's sizes are those of DEVICE_SIZES in
 * host/core/sizes.ts (PROTOCOL section 12); a test compares them. The others bound what the
 * firmware holds beside them: each is a table that is there from the start.
 */
#ifndef SEALEDTUNNEL_SIZES_H
#define SEALEDTUNNEL_SIZES_H

#include "abi.gen.h"

#include <stdint.h>

namespace sizes {

constexpr uint32_t HOPS = 2;
constexpr uint32_t LINKS = 4;
/** The core keeps one of them for its Commander. */
constexpr uint32_t STREAMS = 5;
constexpr uint32_t CONNECTIONS = STREAMS - 1;
/** A configuration and what is stored behind it, PROTOCOL 10.3. */
constexpr uint32_t CONFIG = 2048;
/** Of these, what a configuration may have, and what is stored with it: the core's own limits. */
constexpr uint32_t CONFIG_MOST = CONFIG / 2 - 16 - LINKS;
constexpr uint32_t CONFIG_STORED_MOST = CONFIG / 2 - 8;

/** In the order of CORE_SIZE_*. */
constexpr uint32_t DEVICE[CORE_SIZE_COUNT] = {
    HOPS,    /* hops */
    LINKS,   /* links */
    STREAMS, /* streams */
    1,       /* handshakes */
    2048,    /* maxPacket */
    1460,    /* maxRecord */
    8192,    /* window */
    256,     /* blockBytes */
    44,      /* recvBlocks */
    43,      /* sendBlocks */
    5,       /* channels */
    64,      /* replayBits */
    1,       /* pendingOpens */
    3,       /* hopBuffers */
    2304,    /* hopBufferBytes */
    8192,    /* hopCredit */
    CONFIG,  /* config */
    56 * 1024,
};

constexpr uint32_t MEMORY_BYTES = DEVICE[CORE_SIZE_MEMORY_BYTES];
constexpr uint32_t VALUE_STACK_BYTES = 4096;
/** Compiled code at any time (design, section 8). A word of it is a pointer. */
constexpr uint32_t CODE_MOST_BYTES = 56 * 1024 * sizeof(void*) / 4;

/** Connectors of a configuration that are used, the first in its order. */
constexpr uint32_t CONNECTORS = 8;
/** Bindings that listen at once. */
constexpr uint32_t LISTENERS = 4;
/** Bindings of peers that this device's UDP Mappings serve at once. */
constexpr uint32_t RELATIONS = 2;
/** Flows of all UDP Routes; at a Mapping each is a socket. */
constexpr uint32_t FLOWS = 8;
/** The longest name or address that is dialled, with its NUL. */
constexpr uint32_t HOST_NAME = 128;

} // namespace sizes

#endif
