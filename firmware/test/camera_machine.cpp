/* SPDX-License-Identifier: Apache-2.0
 *
 * The camera app as a program without a network or a clock: sockets.h and port.h are kept in memory
 * and moved by lines on standard input, so a test decides what arrives when, and how much room a
 * socket has. Before it: test/firmware/camera-machine.ts. After it: firmware/apps/camera.
 *
 *   open ID | rx ID HEX | fin ID | cut ID    a client connects, sends, half-closes, is gone
 *   room ID BYTES                            so much may be written to it, from now on
 *   turn MS       app::turn at this time until it rests: `tx ID HEX`, `end ID`, `closed ID`,
 *                 `reset ID`, then `rest MS`
 *   status        `status TEXT`
 *   parse HEX     a request alone: `verdict NUMBER BYTES METHOD KEEPS PATH`
 *   encode W H QUALITY MOST HEX              tiles: `jpeg HEX`, `-` when it did not fit
 *   draw MS       the scene: `tiles HEX`
 *   frame MS MOST                            of the frame source: `frame NUMBER QUALITY HEX`
 */
#include "app.h"
#include "arena.h"
#include "camera_sizes.h"
#include "frame_source.h"
#include "http_request.h"
#include "jpeg.h"
#include "port.h"
#include "scene.h"
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

using camera::Tile;

constexpr size_t LINE_MOST = 1 << 20;
constexpr int32_t CLIENTS = 32;
constexpr size_t WAITING_MOST = 1 << 16;
constexpr int32_t LISTENER = CLIENTS;
/** A turn that never rests is a fault. */
constexpr int TURNS_MOST = 100000;

enum class Client : uint8_t { Free, Knocks, Accepted };

struct Connected {
  Client use;
  bool has_ended, is_gone;
  size_t room;
  size_t waiting;
  uint8_t bytes[WAITING_MOST];
};

Connected clients[CLIENTS];
uint32_t clock_ms;
alignas(16) uint8_t arena[16384 + CAMERA_WIDTH * 64];
char line[LINE_MOST];
uint8_t data[LINE_MOST / 2];
uint8_t jpeg[LINE_MOST / 8];

[[noreturn]] void fail(const char* why) {
  fprintf(stderr, "camera_machine: %s\n", why);
  exit(1);
}

Connected& client_of(int32_t id, Client use) {
  if (id < 0 || id >= CLIENTS || clients[id].use != use) fail("a socket that is none");
  return clients[id];
}

void give_back(const char* how, int32_t id) {
  printf("%s %d\n", how, id);
  client_of(id, Client::Accepted).use = Client::Free;
}

void put_hex(const char* name, const uint8_t* bytes, size_t len) {
  printf("%s ", name);
  for (size_t i = 0; i < len; i++) printf("%02x", bytes[i]);
  puts(len == 0 ? "-" : "");
}

size_t take_hex(const char* hex) {
  size_t len = 0;
  unsigned byte = 0;
  for (; sscanf(hex + 2 * len, "%2x", &byte) == 1; len++) data[len] = static_cast<uint8_t>(byte);
  return len;
}

void turn_until_rest(uint32_t now_ms) {
  clock_ms = now_ms;
  uint32_t rest_ms = 0;
  for (int i = 0; rest_ms == 0; i++) {
    if (i == TURNS_MOST) fail("it never rests");
    rest_ms = app::turn(clock_ms);
  }
  printf("rest %u\n", rest_ms);
}

void parse(const char* hex) {
  constexpr const char* PATHS[] = {"/", "/snapshot.jpg", "/stream", "/status.json"};
  const size_t len = take_hex(hex);
  size_t at = 0;
  camera::HttpRequest request;
  camera::Verdict verdict = camera::Verdict::Unfinished;
  while (at < len && verdict == camera::Verdict::Unfinished) verdict = request.take(data[at++]);
  const char* found = "-";
  for (const char* path : PATHS) {
    if (request.asks_for(path)) found = path;
  }
  printf("verdict %d %zu %d %d %s\n", static_cast<int>(verdict), at,
         static_cast<int>(request.method()), request.keeps_open(), found);
}

void encode(int width, int height, int quality, size_t most, const char* hex) {
  const size_t len = take_hex(hex);
  camera::JpegEncoder encoder;
  uint8_t* exact = static_cast<uint8_t*>(malloc(most)); /* so that a byte behind it is noticed */
  encoder.begin(exact, static_cast<uint32_t>(most), static_cast<uint16_t>(width),
                static_cast<uint16_t>(height), static_cast<uint8_t>(quality));
  for (size_t at = 0; at + sizeof(Tile) <= len; at += sizeof(Tile)) {
    Tile tile;
    memcpy(&tile, data + at, sizeof tile);
    encoder.put(tile);
  }
  put_hex("jpeg", exact, encoder.end());
  free(exact);
}

camera::Uptime uptime_of(uint32_t ms) {
  return {ms / 1000, ms % 1000};
}

void draw(uint32_t ms) {
  camera::Scene scene;
  size_t len = 0;
  scene.set(uptime_of(ms));
  for (int32_t top = 0; top < CAMERA_HEIGHT; top += camera::TILE_SIDE) {
    for (int32_t left = 0; left < CAMERA_WIDTH; left += camera::TILE_SIDE) {
      Tile tile;
      memset(&tile, 0xa5, sizeof tile);
      scene.draw(left, top, &tile);
      memcpy(data + len, &tile, sizeof tile);
      len += sizeof tile;
    }
  }
  put_hex("tiles", data, len);
}

void make_frame(uint32_t ms, uint32_t most) {
  camera::Frame frame = {};
  camera::Capture capture = camera::Capture::Working;
  while (capture == camera::Capture::Working) {
    capture = camera::frame_next(uptime_of(ms), jpeg, most, &frame);
  }
  char name[32];
  snprintf(name, sizeof name, "frame %u %u", frame.number, frame.quality);
  put_hex(name, jpeg, capture == camera::Capture::Made ? frame.bytes : 0);
}

void take_client_line(const char* word, int32_t id, const char* rest) {
  if (id < 0 || id >= CLIENTS) fail("no such client");
  Connected& client = clients[id];
  if (strcmp(word, "open") == 0) {
    memset(&client, 0, sizeof client);
    client.use = Client::Knocks;
    client.room = static_cast<size_t>(-1);
  } else if (strcmp(word, "rx") == 0) {
    const size_t len = take_hex(rest);
    if (client.waiting + len > sizeof client.bytes) fail("too much is sent");
    memcpy(client.bytes + client.waiting, data, len);
    client.waiting += len;
  } else if (strcmp(word, "fin") == 0) {
    client.has_ended = true;
  } else if (strcmp(word, "cut") == 0) {
    client.is_gone = true;
  } else if (strcmp(word, "room") == 0) {
    client.room = strtoul(rest, nullptr, 10);
  } else {
    fail(word);
  }
}

void take_line() {
  char word[16] = "";
  unsigned a = 0, b = 0, quality = 0, most = 0;
  int at = 0;
  if (sscanf(line, "%15s", word) != 1) fail("an empty line");
  if (strcmp(word, "turn") == 0 && sscanf(line, "%*s %u", &a) == 1) {
    turn_until_rest(a);
  } else if (strcmp(word, "status") == 0) {
    char text[128];
    const uint32_t len = app::status(text, sizeof text);
    printf("status %.*s\n", static_cast<int>(len), text);
  } else if (strcmp(word, "parse") == 0) {
    parse(line + strlen("parse "));
  } else if (strcmp(word, "draw") == 0 && sscanf(line, "%*s %u", &a) == 1) {
    draw(a);
  } else if (strcmp(word, "frame") == 0 && sscanf(line, "%*s %u %u", &a, &b) == 2) {
    make_frame(a, b < sizeof jpeg ? b : sizeof jpeg);
  } else if (strcmp(word, "encode") == 0 &&
             sscanf(line, "%*s %u %u %u %u %n", &a, &b, &quality, &most, &at) == 4) {
    encode(static_cast<int>(a), static_cast<int>(b), static_cast<int>(quality), most, line + at);
  } else {
    at = 0;
    if (sscanf(line, "%*s %u %n", &a, &at) != 1) fail(line);
    take_client_line(word, static_cast<int32_t>(a), line + at);
  }
}

} // namespace

uint32_t port::now_ms() {
  return clock_ms;
}

void port::console_write(const char* text, size_t bytes) {
  fwrite(text, 1, bytes, stderr);
}

int32_t sockets::listen(const Address& at) {
  const uint8_t loopback[] = {127, 0, 0, 1};
  const bool is_right = at.host_bytes == 4 && memcmp(at.host, loopback, 4) == 0 && at.port == 80;
  return is_right ? LISTENER : NONE;
}

int32_t sockets::accept(int32_t listener, Address*) {
  if (listener != LISTENER) fail("accepts without a listener");
  for (int32_t id = 0; id < CLIENTS; id++) {
    if (clients[id].use != Client::Knocks) continue;
    clients[id].use = Client::Accepted;
    return id;
  }
  return NONE;
}

int32_t sockets::read(int32_t id, uint8_t* to, size_t most) {
  Connected& client = client_of(id, Client::Accepted);
  if (client.is_gone) return OVER;
  if (client.waiting == 0) return client.has_ended ? ENDED : 0;
  const size_t len = client.waiting < most ? client.waiting : most;
  memcpy(to, client.bytes, len);
  client.waiting -= len;
  memmove(client.bytes, client.bytes + len, client.waiting);
  return static_cast<int32_t>(len);
}

int32_t sockets::write(int32_t id, const uint8_t* from, size_t bytes) {
  Connected& client = client_of(id, Client::Accepted);
  if (client.is_gone) return OVER;
  const size_t len = bytes < client.room ? bytes : client.room;
  client.room -= len;
  char name[24];
  snprintf(name, sizeof name, "tx %d", id);
  if (len > 0) put_hex(name, from, len);
  return static_cast<int32_t>(len);
}

void sockets::end(int32_t id) {
  client_of(id, Client::Accepted);
  printf("end %d\n", id);
}

void sockets::close(int32_t id) {
  give_back("closed", id);
}

void sockets::reset(int32_t id) {
  give_back("reset", id);
}

int main(int argc, char** argv) {
  clock_ms = argc > 1 ? static_cast<uint32_t>(strtoul(argv[1], nullptr, 10)) : 0;
  arena_init(arena, sizeof arena);
  if (!app::start()) return 1;
  while (fgets(line, sizeof line, stdin) != nullptr) {
    take_line();
    fflush(stdout);
  }
}
