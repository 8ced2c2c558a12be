/* SPDX-License-Identifier: Apache-2.0
 *
 * The firmware on the virt machine: its port, its data flash, then the device's own loop. Before
 * it: start_flash.S. After it: core/device.h, which never returns.
 */
#include "device.h"
#include "flash_virt.h"
#include "log.h"
#include "port_virt.h"

namespace {

/** A device without it makes new keys at each start, and says so. */
void open_flash() {
  const Flash* flash = open_data_flash();
  if (flash == nullptr) {
    LogLine(LogLevel::Error)
        .text("no data flash: nothing can be kept; start QEMU with -drive if=pflash,unit=1");
  } else if (flash_store_open(flash) == FlashFound::Foreign) {
    LogLine(LogLevel::Warn)
        .text("the data flash holds no store of records, or a damaged one: this device starts "
              "without identity, and what it saves next writes over it");
  }
}

} // namespace

int main() {
  port_start();
  open_flash();
  device_run();
}
