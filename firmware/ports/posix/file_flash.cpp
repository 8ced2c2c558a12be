/* SPDX-License-Identifier: Apache-2.0
 *
 * Flash in a file, with what flash can do alone: clear bits, set a whole sector. Before it:
 * flash_store.cpp. After it: a file of FLASH_BYTES, for its owner alone, as it holds a private key.
 */
#include "port_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr uint32_t SECTOR_BYTES = 4096;
constexpr uint32_t SECTOR_COUNT = 16;
constexpr off_t FLASH_BYTES = SECTOR_BYTES * SECTOR_COUNT;
constexpr mode_t OWNER_ALONE = 0600;
constexpr uint32_t PIECE = 256;

int file = -1;

bool read_file(uint32_t at, uint8_t* to, uint32_t bytes) {
  return pread(file, to, bytes, at) == static_cast<ssize_t>(bytes);
}

bool program_file(uint32_t at, const uint8_t* from, uint32_t bytes) {
  uint8_t piece[PIECE];
  for (uint32_t done = 0; done < bytes;) {
    const uint32_t length = bytes - done < PIECE ? bytes - done : PIECE;
    if (!read_file(at + done, piece, length)) return false;
    for (uint32_t i = 0; i < length; i++) piece[i] &= from[done + i];
    if (pwrite(file, piece, length, at + done) != static_cast<ssize_t>(length)) return false;
    done += length;
  }
  return true;
}

bool erase_file(uint32_t sector) {
  uint8_t blank[SECTOR_BYTES];
  memset(blank, 0xff, sizeof blank);
  const off_t at = static_cast<off_t>(sector) * SECTOR_BYTES;
  return sector < SECTOR_COUNT && pwrite(file, blank, sizeof blank, at) == sizeof blank;
}

const Flash FLASH = {SECTOR_BYTES, SECTOR_COUNT, read_file, program_file, erase_file};

bool erase_all() {
  for (uint32_t sector = 0; sector < SECTOR_COUNT; sector++) {
    if (!erase_file(sector)) return false;
  }
  return true;
}

} // namespace

const Flash* open_file_flash(const char* path, const char** why) {
  // What has been written is on the disk when the call returns, as on flash.
  file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_DSYNC, OWNER_ALONE);
  struct stat found;
  *why = strerror(errno);
  if (file < 0 || fstat(file, &found) != 0) return nullptr;
  *why = "another device runs with it";
  if (flock(file, LOCK_EX | LOCK_NB) != 0) return nullptr;
  *why = "it is not a flash image of 65536 bytes";
  if (!S_ISREG(found.st_mode)) return nullptr;
  if (found.st_size == FLASH_BYTES) return &FLASH;
  if (found.st_size != 0) return nullptr;
  *why = "it can't be written";
  return erase_all() ? &FLASH : nullptr;
}
