/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection (http_connection.h): one phase after another, each left by bytes or by its time
 * being over. Refusals are whole sentences: what is wrong, and what to send instead.
 */
#include "http_connection.h"

#include "page.h"
#include "sockets.h"
#include "text.h"

#include <string.h>

namespace camera {

/** A status line's code and reason, the body's type, more fields. */
struct Answer {
  const char* status;
  const char* type;
  const char* fields;
};

struct Refusal {
  Answer answer;
  const char* body;
  bool ends; /* the connection: what comes next on it may be anything */
};

namespace {

constexpr char TEXT_TYPE[] = "text/plain";
constexpr char BAD[] = "400 Bad Request";
constexpr char UNAVAILABLE[] = "503 Service Unavailable";
constexpr char RETRY[] = "Retry-After: 5\r\n";
/* A browser that asked for the page asks again by itself. */
constexpr char RELOAD[] = "Retry-After: 1\r\nRefresh: 1\r\n";

constexpr Refusal BAD_LINE = {
    {BAD, TEXT_TYPE, ""}, "This is no HTTP request. Send: GET / HTTP/1.1\n", true};
constexpr Refusal BAD_VERSION = {
    {BAD, TEXT_TYPE, ""}, "Only HTTP/1.1 is spoken here. Send: GET / HTTP/1.1\n", true};
constexpr Refusal BAD_FIELD = {
    {BAD, TEXT_TYPE, ""},
    "A header field is malformed or there twice. Send each once, as Name: value.\n",
    true};
constexpr Refusal NO_HOST = {
    {BAD, TEXT_TYPE, ""}, "The Host field is missing. Send one with each request.\n", true};
constexpr Refusal HAS_BODY = {
    {BAD, TEXT_TYPE, ""}, "Requests here have no body. Send it without one.\n", true};
constexpr Refusal NOT_FOUND = {
    {"404 Not Found", TEXT_TYPE, ""},
    "There is no such page. Ask for / or /snapshot.jpg, /stream, /status.json.\n",
    false};
constexpr Refusal NOT_ALLOWED = {{"405 Method Not Allowed", TEXT_TYPE, "Allow: GET, HEAD\r\n"},
                                 "Nothing can be changed here. Send GET or HEAD.\n",
                                 true};
constexpr Refusal TIMED_OUT = {{"408 Request Timeout", TEXT_TYPE, ""},
                               "The request did not end within 5 seconds. Send it again.\n",
                               true};
constexpr Refusal TOO_LONG = {{"431 Request Header Fields Too Large", TEXT_TYPE, ""},
                              "The request is longer than 1024 bytes. Send fewer fields.\n",
                              true};
constexpr Refusal NO_PLACE = {
    {UNAVAILABLE, TEXT_TYPE, RELOAD}, "All 3 connections are in use. Try again soon.\n", true};
constexpr Refusal NO_STREAM = {
    {UNAVAILABLE, TEXT_TYPE, RETRY},
    "Two viewers watch already. Ask for /snapshot.jpg, or try again later.\n",
    false};
constexpr Refusal NO_PICTURE = {
    {UNAVAILABLE, TEXT_TYPE, RETRY},
    "There was no new picture for 3 seconds. Try again; then see the device's console.\n",
    false};
static_assert(REQUEST_MS == 5000 && PICTURE_MS == 3000 && HEADER_MOST == 1024 && CONNECTIONS == 3 &&
                  STREAMS == 2,
              "the sentences above say so");

const Refusal& refusal_of(Verdict verdict) {
  switch (verdict) {
  case Verdict::BadVersion:
    return BAD_VERSION;
  case Verdict::BadField:
    return BAD_FIELD;
  case Verdict::NoHost:
    return NO_HOST;
  case Verdict::HasBody:
    return HAS_BODY;
  case Verdict::TooLong:
    return TOO_LONG;
  default:
    return BAD_LINE;
  }
}

constexpr Answer PAGE_ANSWER = {"200 OK", "text/html; charset=utf-8", ""};
constexpr Answer STATUS_ANSWER = {"200 OK", "application/json", ""};
constexpr char STREAM_HEAD[] = "HTTP/1.1 200 OK\r\n"
                               "Content-Type: multipart/x-mixed-replace; boundary=frame\r\n"
                               "Cache-Control: no-store\r\n"
                               "Connection: close\r\n"
                               "\r\n";
constexpr char FIRST_BOUNDARY[] = "--frame\r\n";
/** Behind each frame, not before the next: browsers show a frame when its end has come. */
constexpr char BOUNDARY[] = "\r\n--frame\r\n";

/** A port need not wake for room in a socket: it is looked for this often. */
constexpr uint32_t BLOCKED_MS = 20;

uint32_t until(uint32_t now_ms, uint32_t since_ms, uint32_t patience_ms) {
  const uint32_t over_ms = now_ms - since_ms;
  return over_ms < patience_ms ? patience_ms - over_ms : 0;
}

} // namespace

uint32_t Connection::idle_ms(uint32_t now_ms) const {
  const bool is_idle = phase_ == Phase::Reading && !request_.has_begun();
  return is_idle ? now_ms - since_ms_ : 0;
}

void Connection::open(int32_t socket, uint32_t now_ms) {
  forget();
  socket_ = socket;
  enter(Phase::Reading, now_ms);
}

void Connection::open_to_refuse(int32_t socket, uint32_t now_ms) {
  open(socket, now_ms);
  refuse(NO_PLACE, now_ms);
}

void Connection::close() {
  sockets::close(socket_);
  forget();
}

void Connection::reset() {
  sockets::reset(socket_);
  forget();
}

void Connection::forget() {
  if (held_ != nullptr) Frames::release(held_);
  held_ = nullptr;
  is_stream_ = false;
  input_at_ = input_len_ = 0;
  request_.begin();
  phase_ = Phase::Free;
}

void Connection::enter(Phase phase, uint32_t now_ms) {
  phase_ = phase;
  since_ms_ = now_ms;
}

uint32_t Connection::turn(uint32_t now_ms, const Desk& desk) {
  switch (phase_) {
  case Phase::Free:
    return IDLE_MS;
  case Phase::Reading:
    read_request(now_ms, desk);
    if (phase_ != Phase::Reading) return 0;
    return until(now_ms, since_ms_, request_.has_begun() ? REQUEST_MS : IDLE_MS);
  case Phase::Waiting:
    if (is_stream_) drain();
    if (phase_ == Phase::Waiting) take_frame(now_ms, desk);
    return phase_ == Phase::Waiting ? until(now_ms, since_ms_, PICTURE_MS) : 0;
  case Phase::Sending:
    if (is_stream_) drain();
    if (phase_ == Phase::Sending) send(now_ms);
    return phase_ == Phase::Sending ? BLOCKED_MS : 0;
  case Phase::Ending:
    drain();
    if (phase_ != Phase::Ending) return 0;
    if (until(now_ms, since_ms_, LINGER_MS) == 0) close();
    return BLOCKED_MS;
  }
  return 0;
}

void Connection::read_request(uint32_t now_ms, const Desk& desk) {
  while (has_input()) {
    if (!request_.has_begun()) since_ms_ = now_ms;
    const Verdict verdict = request_.take(input_[input_at_++]);
    if (verdict != Verdict::Unfinished) return serve(verdict, now_ms, desk);
  }
  if (phase_ == Phase::Reading) check_request_time(now_ms);
}

/** Reads on where all is taken. False: there is nothing now, or the connection is over. */
bool Connection::has_input() {
  if (input_at_ < input_len_) return true;
  const int32_t got = sockets::read(socket_, input_, sizeof input_);
  if (got < 0) close();
  if (got <= 0) return false;
  input_at_ = 0;
  input_len_ = static_cast<uint8_t>(got);
  return true;
}

void Connection::check_request_time(uint32_t now_ms) {
  if (request_.has_begun()) {
    if (until(now_ms, since_ms_, REQUEST_MS) == 0) refuse(TIMED_OUT, now_ms);
  } else if (until(now_ms, since_ms_, IDLE_MS) == 0) {
    close();
  }
}

/** An unknown method is told so before its body is: the client has another idea of what this is. */
void Connection::serve(Verdict verdict, uint32_t now_ms, const Desk& desk) {
  keeps_open_ = request_.keeps_open();
  const bool is_whole = verdict == Verdict::Complete || verdict == Verdict::HasBody;
  if (is_whole && request_.method() == Method::Other) return refuse(NOT_ALLOWED, now_ms);
  if (verdict != Verdict::Complete) return refuse(refusal_of(verdict), now_ms);
  serve_path(now_ms, desk);
}

void Connection::serve_path(uint32_t now_ms, const Desk& desk) {
  if (request_.asks_for("/")) return answer(PAGE_ANSWER, {PAGE, PAGE_LEN}, now_ms);
  if (request_.asks_for("/status.json")) return answer_status(now_ms, desk);
  if (request_.asks_for("/stream")) return begin_stream(now_ms, desk);
  if (!request_.asks_for("/snapshot.jpg")) return refuse(NOT_FOUND, now_ms);
  seen_ = desk.frames->made();
  enter(Phase::Waiting, now_ms);
}

void Connection::answer_status(uint32_t now_ms, const Desk& desk) {
  const Source& source = frame_source();
  const Frame& last = desk.frames->last();
  Text status(status_, sizeof status_);
  status.add("{\"camera\":\"").add(source.name);
  status.add("\",\"width\":").add(source.width).add(",\"height\":").add(source.height);
  status.add(",\"frame\":").add(last.number).add(",\"fps\":").add(desk.frames->rate());
  status.add(",\"bytes\":").add(last.bytes).add(",\"quality\":").add(last.quality);
  status.add(",\"viewers\":").add(desk.viewers).add(",\"uptime\":").add(desk.uptime.seconds);
  status.add("}\n");
  answer(STATUS_ANSWER, {status_, status.len()}, now_ms);
}

void Connection::begin_stream(uint32_t now_ms, const Desk& desk) {
  if (desk.viewers >= STREAMS) return refuse(NO_STREAM, now_ms);
  const bool is_head = request_.method() == Method::Head;
  is_stream_ = !is_head;
  keeps_open_ = false;
  seen_ = desk.frames->made();
  pieces_[0] = {STREAM_HEAD, sizeof STREAM_HEAD - 1};
  pieces_[1] = is_head ? Piece{} : Piece{FIRST_BOUNDARY, sizeof FIRST_BOUNDARY - 1};
  pieces_[2] = {};
  sent_ = 0;
  enter(Phase::Sending, now_ms);
}

void Connection::refuse(const Refusal& refusal, uint32_t now_ms) {
  if (refusal.ends) keeps_open_ = false;
  answer(refusal.answer, {refusal.body, static_cast<uint32_t>(strlen(refusal.body))}, now_ms);
}

/** The body stays where it is; for HEAD only its length is told. */
void Connection::answer(const Answer& answer, Piece body, uint32_t now_ms) {
  Text head(head_, sizeof head_);
  head.add("HTTP/1.1 ").add(answer.status).add("\r\nContent-Type: ").add(answer.type);
  head.add("\r\nContent-Length: ").add(body.len).add("\r\nCache-Control: no-store\r\n");
  head.add(answer.fields);
  if (held_ != nullptr) head.add("X-Frame: ").add(held_->frame.number).add("\r\n");
  head.add(keeps_open_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  if (request_.method() == Method::Head) body.len = 0;
  pieces_[0] = {head_, head.len()};
  pieces_[1] = body;
  pieces_[2] = {};
  sent_ = 0;
  enter(Phase::Sending, now_ms);
}

/** Takes the newest frame if it is newer than the one before. */
void Connection::take_frame(uint32_t now_ms, const Desk& desk) {
  held_ = desk.frames->made() != seen_ ? desk.frames->hold() : nullptr;
  if (held_ == nullptr) {
    if (until(now_ms, since_ms_, is_stream_ ? SEND_MS : PICTURE_MS) != 0) return;
    return is_stream_ ? reset() : refuse(NO_PICTURE, now_ms);
  }
  seen_ = desk.frames->made();
  const Piece jpeg = {held_->jpeg, held_->frame.bytes};
  if (!is_stream_) return answer({"200 OK", "image/jpeg", ""}, jpeg, now_ms);
  Text head(head_, sizeof head_);
  head.add("Content-Type: image/jpeg\r\nContent-Length: ").add(jpeg.len);
  head.add("\r\nX-Frame: ").add(held_->frame.number).add("\r\n\r\n");
  pieces_[0] = {head_, head.len()};
  pieces_[1] = jpeg;
  pieces_[2] = {BOUNDARY, sizeof BOUNDARY - 1};
  sent_ = 0;
  enter(Phase::Sending, now_ms);
}

void Connection::send(uint32_t now_ms) {
  for (Piece& piece : pieces_) {
    while (piece.len > 0) {
      const uint8_t* from = static_cast<const uint8_t*>(piece.at) + sent_;
      const int32_t took = sockets::write(socket_, from, piece.len - sent_);
      if (took == sockets::OVER) return close();
      if (took == 0 && until(now_ms, since_ms_, SEND_MS) == 0) return reset();
      if (took == 0) return;
      sent_ += static_cast<uint32_t>(took);
      if (sent_ < piece.len) continue;
      piece.len = sent_ = 0;
    }
  }
  finish_sending(now_ms);
}

void Connection::finish_sending(uint32_t now_ms) {
  if (held_ != nullptr) Frames::release(held_);
  held_ = nullptr;
  if (is_stream_) return enter(Phase::Waiting, now_ms);
  request_.begin();
  if (keeps_open_) return enter(Phase::Reading, now_ms);
  sockets::end(socket_);
  enter(Phase::Ending, now_ms);
}

/** What still comes is not read; its end is the connection's. */
void Connection::drain() {
  const int32_t got = sockets::read(socket_, input_, sizeof input_);
  if (got < 0) close();
}

} // namespace camera
