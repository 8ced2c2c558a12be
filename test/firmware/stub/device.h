/* SPDX-License-Identifier: Apache-2.0
 *
 * In the place of firmware/core/device.h: what the posix port's own tests let run on it.
 */
#ifndef SEALEDTUNNEL_STUB_DEVICE_H
#define SEALEDTUNNEL_STUB_DEVICE_H

[[noreturn]] void device_run();

#endif
