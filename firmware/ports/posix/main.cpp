/* SPDX-License-Identifier: Apache-2.0
 *
 * The firmware as a Linux program: its command line, its flash, one arena, then the device's own
 * loop. Before it: a shell, or a test. After it: core/device.h, which never returns.
 */
#include "arena.h"
#include "device.h"
#include "flash_store.h"
#include "port_posix.h"
#include "sockets_bsd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

/** Pointers are 8 bytes here, and the interpreter's code is made of them: twice a device's needs.
 */
constexpr size_t ARENA_BYTES = 512 * 1024;
constexpr int USAGE = 2;
constexpr int BAD_FLASH = 3;

alignas(16) uint8_t arena[ARENA_BYTES];

constexpr char HELP[] =
    "sealedtunnel-device --flash FILE [--web PORT] [--clock MS]\n\n"
    "A SealedTunnel device as a program. Its console is standard input and output: help.\n\n"
    "  --flash FILE  its flash, with identity and configuration; made where there is none\n"
    "  --web PORT    where port 80 of its own 127.0.0.1 is on this machine (8080)\n"
    "  --clock MS    what its clock shows at the start (0), to see it wrap at 4294967296\n";

constexpr uint32_t WEB_PORT = 8080;

struct Options {
  const char* flash;
  uint32_t web_port;
  uint32_t clock_ms;
};

int complain(const char* what, const char* about) {
  fprintf(stderr, "sealedtunnel-device: %s%s\n", what, about);
  return USAGE;
}

bool read_number(const char* text, uint32_t* to) {
  char* end = nullptr;
  const unsigned long long value = strtoull(text, &end, 10);
  *to = static_cast<uint32_t>(value);
  return *text >= '0' && *text <= '9' && *end == '\0' && value <= UINT32_MAX;
}

/** Takes the value of one option; 0, or what the program ends with. */
int read_option(const char* name, const char* value, Options* to) {
  if (strcmp(name, "--flash") == 0) {
    to->flash = value;
  } else if (strcmp(name, "--web") == 0) {
    if (!read_number(value, &to->web_port) || to->web_port == 0 || to->web_port > UINT16_MAX)
      return complain("--web is a port from 1 to 65535, not ", value);
  } else if (strcmp(name, "--clock") == 0) {
    if (!read_number(value, &to->clock_ms))
      return complain("--clock is a number of milliseconds below 2^32, not ", value);
  } else {
    return complain("there is no option ", name);
  }
  return 0;
}

/** 0, or what the program ends with; --help is 0 too, without a flash. */
int read_options(int count, char** words, Options* to) {
  for (int i = 1; i < count; i += 2) {
    if (strcmp(words[i], "--help") == 0) return puts(HELP) < 0 ? USAGE : 0;
    const bool has_value = i + 1 < count;
    const int refused = read_option(words[i], has_value ? words[i + 1] : "", to);
    if (has_value && refused != 0) return refused;
    if (!has_value) return complain("a value is missing behind ", words[i]);
  }
  return to->flash == nullptr ? complain("say where its flash is: ", "--flash FILE") : 0;
}

/** False: there is none, and it is said. */
bool open_flash(const char* path) {
  const char* why = "";
  const Flash* flash = open_file_flash(path, &why);
  if (flash == nullptr) {
    fprintf(stderr, "sealedtunnel-device: flash %s: %s\n", path, why);
    return false;
  }
  if (flash_store_open(flash) == FlashFound::Foreign) {
    fprintf(stderr,
            "sealedtunnel-device: flash %s: it holds no store of records, or a damaged one; the "
            "device starts without identity, and what it saves next writes over it\n",
            path);
  }
  return true;
}

} // namespace

int main(int count, char** words) {
  Options options = {};
  options.web_port = WEB_PORT;
  const int refused = read_options(count, words, &options);
  if (refused != 0 || options.flash == nullptr) return refused;
  signal(SIGPIPE, SIG_IGN);
  sockets_move_port_80(static_cast<uint16_t>(options.web_port));
  port_set_arguments(words);
  port_set_clock(options.clock_ms);
  if (!open_flash(options.flash)) return BAD_FLASH;
  arena_init(arena, sizeof arena);
  device_run();
}
