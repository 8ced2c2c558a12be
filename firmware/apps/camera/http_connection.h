/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection of the camera's server: reads requests, answers them, or sends frame after frame
 * (HTTP/1.1, RFC 9112; multipart/x-mixed-replace). Before it: camera.cpp accepts. After it:
 * http_request.cpp, frames.cpp, sockets.h.
 *
 * Invariants: nothing waits longer than camera_sizes.h says; nothing of an answer is copied but its
 * head; a connection holds at most one slot of a frame, only while that frame goes out.
 */
#ifndef SEALEDTUNNEL_CAMERA_HTTP_CONNECTION_H
#define SEALEDTUNNEL_CAMERA_HTTP_CONNECTION_H

#include "frames.h"
#include "http_request.h"

#include <stdint.h>

namespace camera {

/** What answers are made from. */
struct Desk {
  Frames* frames;
  Uptime uptime;
  uint32_t viewers; /* streams that go out */
};

struct Answer;
struct Refusal;

class Connection {
public:
  bool is_free() const { return phase_ == Phase::Free; }
  bool is_viewer() const { return is_stream_; }
  bool wants_frame() const { return phase_ == Phase::Waiting; }
  /** How long it has had nothing to do but wait for a request, ms; 0: it has. */
  uint32_t idle_ms(uint32_t now_ms) const;

  /** Begins on a socket that was accepted. */
  void open(int32_t socket, uint32_t now_ms);
  /** The same, to say that there is no place. */
  void open_to_refuse(int32_t socket, uint32_t now_ms);
  /** Gives way to a new connection. */
  void close();

  /** Reads and writes what can be now. Returns in how many ms it is to be called again. */
  uint32_t turn(uint32_t now_ms, const Desk& desk);

private:
  enum class Phase : uint8_t {
    Free,
    Reading, /* a request */
    Waiting, /* for a frame */
    Sending, /* an answer or a frame */
    Ending,  /* half-closed; until the other side has read it all and closes too */
  };

  struct Piece {
    const void* at;
    uint32_t len;
  };

  void enter(Phase phase, uint32_t now_ms);
  void read_request(uint32_t now_ms, const Desk& desk);
  bool has_input();
  void check_request_time(uint32_t now_ms);
  void serve(Verdict verdict, uint32_t now_ms, const Desk& desk);
  void serve_path(uint32_t now_ms, const Desk& desk);
  void answer_status(uint32_t now_ms, const Desk& desk);
  void begin_stream(uint32_t now_ms, const Desk& desk);
  void refuse(const Refusal& refusal, uint32_t now_ms);
  void answer(const Answer& answer, Piece body, uint32_t now_ms);
  void take_frame(uint32_t now_ms, const Desk& desk);
  void send(uint32_t now_ms);
  void finish_sending(uint32_t now_ms);
  void drain();
  void reset();
  void forget();

  int32_t socket_;
  uint32_t since_ms_; /* of the phase; in Reading of the request's first byte */
  uint32_t seen_;     /* frames made when it began to wait for the next */
  Slot* held_;        /* while it goes out */
  Piece pieces_[3];
  uint32_t sent_; /* of the first piece that is not empty */
  Phase phase_;
  bool is_stream_;
  bool keeps_open_;
  uint8_t input_at_, input_len_;
  HttpRequest request_;
  uint8_t input_[INPUT_MOST];
  char head_[HEAD_MOST];
  char status_[STATUS_MOST];
};

} // namespace camera

#endif
