/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine's Ethernet card, a virtio network device (Virtio 1.1, section 5.1), as an interface
 * of lwIP. Before it: network.cpp. After it: virtio.h.
 *
 * A frame is received into a buffer of the driver and goes up as it is; what goes down is read by
 * the device where it lies, and kept until then. A received frame comes back at once, since a
 * connection's bytes are copied to its own ring, but for a segment that has overtaken another.
 *
 * Invariant: at most KEPT_MOST of the driver's buffers are kept by lwIP; beyond that a frame goes
 * up as a copy, as long as half of lwIP's heap is free; else what is kept is given up.
 */
#ifndef SEALEDTUNNEL_VIRT_VIRTIO_NET_H
#define SEALEDTUNNEL_VIRT_VIRTIO_NET_H

#include "lwip/netif.h"

namespace virtio_net {

/** For netif_add. ERR_IF: the machine has no such device. */
err_t start(netif* interface);

/** Hands up every frame that has come, and frees those that went. */
void poll(netif* interface);

/** Is the cable in? */
bool has_link();

/** Answers the device's interrupt. */
void acknowledge();

} // namespace virtio_net

#endif
