/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine's source of chance: a virtio entropy device (Virtio 1.1, section 5.4), which hands on
 * the host's. Before it: port_virt.cpp. After it: virtio.h.
 */
#ifndef SEALEDTUNNEL_VIRT_VIRTIO_RNG_H
#define SEALEDTUNNEL_VIRT_VIRTIO_RNG_H

#include <stddef.h>
#include <stdint.h>

namespace virtio_rng {

/** False: the machine has no such device. */
[[nodiscard]] bool start();

/** Fills `to`. False: the device gave nothing for a tenth of a second. */
[[nodiscard]] bool fill(uint8_t* to, size_t bytes);

} // namespace virtio_rng

#endif
