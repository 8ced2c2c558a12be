/* SPDX-License-Identifier: Apache-2.0
 *
 * See activation.h. The core checks a code as a whole when its ticket is shown. Its BLAKE2s makes
 * the fingerprint, in the argument area.
 */
#include "activation.h"

#include "core.h"
#include "port.h"

#include <string.h>

namespace {

/** In front of the addresses, and behind them. */
constexpr uint32_t COUNT_AT = 1 + 32 + 16 + 32 + 32 + 16;
constexpr uint32_t CHECKSUM = 4;
constexpr uint32_t COMMANDER_AT = 1 + 32;
constexpr uint32_t SECRET_AT = COUNT_AT - 16;
constexpr uint32_t ID = 16;
constexpr uint32_t CODE_ID = 8;
/** An id and a key, as a fingerprint has them. */
constexpr uint32_t PARTY = ID + 32;
constexpr char PAIR_LABEL[16] = "sealed/1 pair";
constexpr uint32_t PAIR = sizeof PAIR_LABEL + 2 * PARTY;
constexpr uint32_t HASH = 32;
constexpr uint32_t PRINT = 20;

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

/**
 * BLAKE2s of the first `bytes` bytes of the argument area, under the `key_bytes` behind them, which
 * are wiped. A pointer that is used before the next call.
 */
const uint8_t* hash_of_arg(uint32_t bytes, uint32_t key_bytes) {
  static const uint8_t NOTHING[ID] = {};
  const int32_t at = core::arg_ptr();
  const int32_t key = at + static_cast<int32_t>(bytes);
  const int32_t to = key + static_cast<int32_t>(key_bytes);
  core::prim_blake2s(at, static_cast<int32_t>(bytes), key, static_cast<int32_t>(key_bytes), to,
                     HASH);
  core::put_arg(bytes, NOTHING, key_bytes);
  return core::arg() + bytes + key_bytes;
}

/** Its id until it has a configuration: the code's, and zeros. */
void take_own_id(const Code& code, uint8_t* id) {
  core::put_arg(0, "sealed/1 code id", ID); /* exactly as long */
  core::put_arg(ID, code.at + SECRET_AT, ID);
  memcpy(id, hash_of_arg(ID, ID), CODE_ID);
}

/** In base32 (RFC 4648), in groups of four letters. */
void write_print(Writer& to, const uint8_t* print) {
  uint32_t bits = 0;
  uint32_t bit_count = 0;
  for (uint32_t i = 0, letters = 0; i < PRINT; i++) {
    bits = bits << 8 | print[i];
    for (bit_count += 8; bit_count >= 5; letters++) {
      bit_count -= 5;
      const char letter[] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[bits >> bit_count & 31], 0};
      to.text(letters > 0 && letters % 4 == 0 ? " " : "").text(letter);
    }
  }
}

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

void activation::write_fingerprint(Writer& to, const uint8_t* public_key) {
  Code code;
  if (code.bytes == 0) return;
  uint8_t own[PARTY] = {};
  take_own_id(code, own);
  memcpy(own + ID, public_key, sizeof own - ID);
  const uint8_t* commander = code.at + COMMANDER_AT;
  const bool is_lower = memcmp(own, commander, ID) < 0;
  core::put_arg(0, PAIR_LABEL, sizeof PAIR_LABEL);
  core::put_arg(sizeof PAIR_LABEL, is_lower ? own : commander, PARTY);
  core::put_arg(PAIR - PARTY, is_lower ? commander : own, PARTY);
  write_print(to, hash_of_arg(PAIR, 0));
}
