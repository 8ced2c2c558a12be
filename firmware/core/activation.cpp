/* SPDX-License-Identifier: Apache-2.0
 *
 * See activation.h. The core checks a code as a whole when its ticket is shown.
 */
#include "activation.h"

#include "core.h"
#include "port.h"

#include <string.h>

namespace {

/** In front of the addresses, and behind them. */
constexpr uint32_t COUNT_AT = 1 + 32 + 16 + 32 + 32 + 16;
constexpr uint32_t CHECKSUM = 4;

/** The code, wiped when it goes out of scope. */
struct Code {
  uint8_t at[activation::CODE_MOST];
  uint32_t bytes;

  Code() {
    int32_t read = port::load(port::Record::Code, at, sizeof at);
    bytes = read > static_cast<int32_t>(COUNT_AT + CHECKSUM) ? static_cast<uint32_t>(read) : 0;
  }
  ~Code() { core::wipe(at, sizeof at); }
};

} // namespace

uint32_t activation::address_count() {
  Code code;
  return code.bytes > 0 ? code.at[COUNT_AT] : 0;
}

bool activation::address_at(uint32_t index, HostName* name, uint16_t* port) {
  Code code;
  if (code.bytes == 0 || index >= code.at[COUNT_AT]) return false;
  uint32_t end = code.bytes - CHECKSUM;
  for (uint32_t at = COUNT_AT + 1; at < end; index--) {
    uint32_t length = code.at[at];
    if (length > end - at - 1) return false;
    if (index == 0) return take_host_port(code.at + at + 1, length, name, port);
    at += 1 + length;
  }
  return false;
}

const char* activation::show_ticket() {
  uint8_t* to = core::at(core::config_ptr(), CODE_MOST);
  if (to == nullptr) return "the core has no room for the code";
  int32_t bytes = port::load(port::Record::Code, to, CODE_MOST);
  if (bytes <= 0) return "there is no code any more";
  int32_t status = core::code_load(bytes);
  if (status == CORE_STATUS_OK) return nullptr;
  return status == CORE_STATUS_BAD_CODE ? "the code is not whole: copy it again, all of it"
                                        : core::status_name(status);
}
