/* SPDX-License-Identifier: Apache-2.0
 *
 * See about.h. core_hash.gen.h is made by the build: EXPECTED_HASH and FIRMWARE_VERSION.
 */
#include "about.h"

#include "app.h"
#include "core.h"
#include "core_hash.gen.h"
#include "port.h"
#include "writer.h"

namespace {

constexpr uint32_t HASH_BYTES = sizeof EXPECTED_HASH;
constexpr uint32_t TEXT_MOST = 64;

} // namespace

void about::give() {
  core::put_arg(0, EXPECTED_HASH, HASH_BYTES);
  uint8_t* at = core::at(core::arg_ptr() + static_cast<int32_t>(HASH_BYTES), TEXT_MOST);
  if (at == nullptr) return;
  Writer text(reinterpret_cast<char*>(at), TEXT_MOST);
  port::Platform platform = port::platform();
  text.text(platform.name).took(1);
  text.text(platform.board).took(1);
  text.text(app::name()).text(" ").text(FIRMWARE_VERSION);
  core::about_set(static_cast<int32_t>(HASH_BYTES + text.length()));
}
