/* SPDX-License-Identifier: Apache-2.0
 *
 * port.h as a Linux program: the system's clock and chance, the console on standard input and
 * output. Records are flash_store.cpp's. Before it: core/. After it: sockets_bsd.cpp, the system.
 * There is no watchdog: the program is for sanitizers, debuggers and many at once.
 */
#include "port_posix.h"

#include "port.h"
#include "sockets_bsd.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

namespace {

/** getentropy's limit. */
constexpr size_t ENTROPY_MOST = 256;
/** Less than what a pipe takes at once, so that a write never rests. */
constexpr size_t CONSOLE_PIECE = 512;
/** getaddrinfo and what it loads. */
constexpr size_t THREAD_STACK_BYTES = 256 * 1024;

char** arguments;
uint32_t clock_offset_ms;

bool has_input = true;
uint8_t typed[256];
size_t typed_at;
size_t typed_bytes;

uint32_t system_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint32_t>(static_cast<uint64_t>(now.tv_sec) * 1000u +
                               static_cast<uint64_t>(now.tv_nsec) / 1'000'000u);
}

bool is_ready(int descriptor, short events) {
  pollfd asked = {descriptor, events, 0};
  return poll(&asked, 1, 0) > 0;
}

/** Takes what was typed; standard input may be shared, so it stays blocking and is asked first. */
void fill_typed() {
  typed_at = 0;
  typed_bytes = 0;
  if (!has_input || !is_ready(STDIN_FILENO, POLLIN)) return;
  const ssize_t got = read(STDIN_FILENO, typed, sizeof typed);
  has_input = got > 0;
  typed_bytes = has_input ? static_cast<size_t>(got) : 0;
}

bool has_address(const sockaddr* found, const sockets::Address& host) {
  if (found == nullptr) return false;
  if (found->sa_family == AF_INET && host.host_bytes == 4) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(found);
    return memcmp(&v4->sin_addr, host.host, 4) == 0;
  }
  if (found->sa_family == AF_INET6 && host.host_bytes == 16) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(found);
    return memcmp(&v6->sin6_addr, host.host, 16) == 0;
  }
  return false;
}

} // namespace

void port_set_arguments(char** argv) {
  arguments = argv;
}

void port_set_clock(uint32_t ms) {
  clock_offset_ms = ms - system_ms();
}

uint32_t port::now_ms() {
  return system_ms() + clock_offset_ms;
}

port::Platform port::platform() {
  return {"linux", ""};
}

bool port::entropy(uint8_t* to, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const size_t piece = bytes - done < ENTROPY_MOST ? bytes - done : ENTROPY_MOST;
    if (getentropy(to + done, piece) != 0) return false;
    done += piece;
  }
  return true;
}

void port::wait(uint32_t most_ms) {
  const bool has_typed = typed_at < typed_bytes;
  sockets_wait(has_input ? STDIN_FILENO : -1, has_typed ? 0 : most_ms);
}

void port::restart() {
  execv("/proc/self/exe", arguments);
  _exit(1);
}

int port::console_read() {
  if (typed_at == typed_bytes) fill_typed();
  return typed_at < typed_bytes ? typed[typed_at++] : -1;
}

void port::console_write(const char* text, size_t bytes) {
  for (size_t done = 0; done < bytes && is_ready(STDOUT_FILENO, POLLOUT);) {
    const size_t piece = bytes - done < CONSOLE_PIECE ? bytes - done : CONSOLE_PIECE;
    const ssize_t written = write(STDOUT_FILENO, text + done, piece);
    if (written <= 0) return;
    done += static_cast<size_t>(written);
  }
}

/** The system's own interfaces come and go without its programs. */
port::Network port::network() {
  return {true, 0};
}

bool port_run_aside(void* (*work)(void* entry), void* entry) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
  pthread_t thread;
  const bool is_begun = pthread_create(&thread, &attributes, work, entry) == 0;
  pthread_attr_destroy(&attributes);
  return is_begun;
}

bool port_interface_has(const sockets::Address& host) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return false;
  bool is_found = false;
  for (const ifaddrs* one = all; one != nullptr && !is_found; one = one->ifa_next) {
    is_found = has_address(one->ifa_addr, host);
  }
  freeifaddrs(all);
  return is_found;
}

sockets::Interface port_interface_named(const char* name, sockets::Address* at) {
  ifaddrs* all = nullptr;
  auto found = sockets::Interface::Unknown;
  if (getifaddrs(&all) != 0) return found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (strcmp(one->ifa_name, name) != 0 || found == sockets::Interface::Found) continue;
    found = sockets::Interface::NoAddress;
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    memcpy(at->host, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, 4);
    at->host_bytes = 4;
    found = sockets::Interface::Found;
  }
  freeifaddrs(all);
  return found;
}
