/* SPDX-License-Identifier: Apache-2.0
 *
 * The page that a browser gets: one file without anything from elsewhere. Before it: page.cpp, by
 * hand. After it: http_connection.cpp sends it from flash.
 */
#ifndef SEALEDTUNNEL_CAMERA_PAGE_H
#define SEALEDTUNNEL_CAMERA_PAGE_H

#include <stdint.h>

namespace camera {

extern const char PAGE[];
extern const uint32_t PAGE_LEN;

} // namespace camera

#endif
