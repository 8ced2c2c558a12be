/* SPDX-License-Identifier: Apache-2.0
 *
 * See hop.h. What is shown to the Connector comes from the configuration in force, or from the code
 * whose ticket activation.cpp has just put in the argument area.
 */
#include "hop.h"

#include "activation.h"
#include "configuration.h"
#include "core.h"

#include <string.h>

namespace {

/** A dial that nobody answers is given up; the handshake's own 10 s are the core's (rule K4). */
constexpr uint32_t CONNECT_MS = 10'000;
/** Reads, and writes, of one hop in a turn: others are to have theirs. */
constexpr int MOVES_MOST = 8;
constexpr int STEPS_MOST = 16;

const char* text_of(sockets::State state) {
  switch (state) {
  case sockets::State::Refused:
    return "the connection was refused";
  case sockets::State::Unreachable:
    return "its address can't be reached";
  case sockets::State::TimedOut:
    return "the connection timed out";
  case sockets::State::Reset:
    return "the connection was reset";
  default:
    return "the connection failed";
  }
}

} // namespace

void Hop::dial(uint8_t place, bool by_code, const HostName& name, uint16_t port, uint32_t now) {
  *this = Hop();
  place_ = place;
  by_code_ = by_code;
  since_ = now;
  name_ = name;
  address_.port = port;
  phase_ = Phase::LookingUp;
}

bool Hop::turn(uint32_t now) {
  if (phase_ != Phase::Sealed && !is_free() && now - since_ >= CONNECT_MS) {
    end(phase_ == Phase::LookingUp ? "its name takes too long to look up"
                                   : "the connection timed out");
  }
  switch (phase_) {
  case Phase::LookingUp:
    return look_up();
  case Phase::Dialling:
    return wait_for_connection() && open(now);
  case Phase::Sealed:
    return move(now);
  default:
    return false;
  }
}

bool Hop::look_up() {
  sockets::Lookup found = sockets::lookup(name_.text, &address_);
  if (found == sockets::Lookup::Pending) return false;
  if (found == sockets::Lookup::Failed) {
    end("its name does not resolve");
    return true;
  }
  socket_ = sockets::dial(address_);
  phase_ = Phase::Dialling;
  if (socket_ < 0) end("this device has no connection left for it");
  return true;
}

bool Hop::wait_for_connection() {
  sockets::State state = sockets::state(socket_);
  if (state == sockets::State::Open) return true;
  if (state != sockets::State::Connecting) end(text_of(state));
  return false;
}

/** The handshake's time runs from now on, in the core. */
bool Hop::open(uint32_t now) {
  core::clock(static_cast<int32_t>(now));
  if (by_code_) {
    const char* refusal = activation::show_ticket();
    if (refusal != nullptr) {
      end(refusal);
      return true;
    }
  } else {
    configuration::Connector connector;
    if (!configuration::connector_at(place_, &connector)) {
      end("it is not in the configuration any more");
      return true;
    }
    core::put_arg(0, connector.key, configuration::KEY);
    core::put_arg(configuration::KEY, connector.psk, configuration::KEY);
  }
  int32_t opened = core::hop_open((by_code_ ? 1 : 0) | (place_ << 8));
  /* A device has one slot: it is free when what it computes is done, or late. */
  if (opened == CORE_STATUS_NO_HANDSHAKE_SLOT) return false;
  if (opened < 0) {
    end(core::status_name(opened));
    return true;
  }
  index_ = opened;
  since_ = now;
  phase_ = Phase::Sealed;
  return true;
}

bool Hop::move(uint32_t now) {
  core::clock(static_cast<int32_t>(now));
  bool has_moved = receive();
  if (phase_ == Phase::Sealed) look();
  return has_moved || phase_ == Phase::Over;
}

/**
 * Reads as long as the core has room; records wait only while a handshake computes. The core is
 * asked for a step only where there can be one: each kind of call may have to be compiled.
 */
bool Hop::receive() {
  bool has_moved = false;
  bool has_records = (core::flags() & CORE_CORE_WANTS_STEP) != 0;
  for (int i = 0; i < MOVES_MOST; i++) {
    int32_t room = core::hop_rx_room(index_);
    int32_t ptr = core::hop_rx_ptr(index_);
    int32_t bytes = 0;
    if (room > 0 && ptr > 0 && !has_ended_) {
      uint8_t* to = core::at(ptr, static_cast<uint32_t>(room));
      if (to == nullptr) return has_moved;
      bytes = sockets::read(socket_, to, static_cast<size_t>(room));
      if (bytes > 0) core::hop_rx_commit(index_, bytes);
    }
    /* Bytes may wait that came while the handshake computed. */
    if (room > whole_room_) whole_room_ = room;
    if (bytes > 0 || room < whole_room_) has_records = true;
    int32_t step = has_records ? 1 : 0;
    for (int k = 0; k < STEPS_MOST && step > 0; k++) step = core::hop_rx_step(index_);
    has_records = false;
    if (step < 0) return has_moved;
    if (bytes == sockets::ENDED) has_ended_ = true;
    if (bytes == sockets::OVER && !has_ended_) {
      /* A last record may have said why. */
      look();
      if (phase_ == Phase::Sealed) end(text_of(sockets::state(socket_)));
      return true;
    }
    if (bytes <= 0) break;
    bytes_in_ += static_cast<uint32_t>(bytes);
    has_moved = true;
  }
  return has_moved;
}

/** As long as the connection takes it. */
bool Hop::send(bool is_due) {
  bool has_moved = false;
  if (phase_ != Phase::Sealed || !(is_due || has_rest_)) return false;
  has_rest_ = false;
  for (int i = 0; i < MOVES_MOST; i++) {
    int32_t ready = core::hop_tx_fill(index_);
    if (ready <= 0) break;
    const uint8_t* from = core::at(core::hop_tx_ptr(index_), static_cast<uint32_t>(ready));
    if (from == nullptr) break;
    int32_t taken = sockets::write(socket_, from, static_cast<size_t>(ready));
    has_rest_ = taken < ready;
    if (taken == 0) break;
    if (taken < 0) {
      end(text_of(sockets::state(socket_)));
      break;
    }
    core::hop_tx_consume(index_, taken);
    bytes_out_ += static_cast<uint32_t>(taken);
    has_moved = true;
    if (has_rest_) break;
  }
  return has_moved;
}

/** Finds out how the hop stands. */
void Hop::look() {
  int32_t state = core::hop_state(index_);
  if (state < 0) return end("the core has lost it");
  if ((state & 0xff) == core::HOP_UP) is_up_ = true;
  if ((state & 0xff) == core::HOP_CLOSED) {
    reason_ = static_cast<uint8_t>(state >> 8);
    status_ = core::hop_status(index_);
    if (status_ < 0) return end(core::status_name(status_));
    return end(is_up_ ? "nothing came for a minute" : "the handshake was not answered");
  }
  if (has_ended_) end("the Connector closed the connection");
}

void Hop::stop(uint8_t reason) {
  if (phase_ == Phase::Sealed) {
    core::hop_close(index_, reason);
    send(true);
  }
  if (phase_ != Phase::Over && !is_free()) end("stopped");
}

/** Its keys are wiped. */
void Hop::end(const char* why) {
  phase_ = Phase::Over;
  is_up_ = false;
  why_ = why;
  if (socket_ >= 0) {
    if (index_ >= 0)
      sockets::close(socket_);
    else
      sockets::reset(socket_);
  }
  socket_ = -1;
  if (index_ >= 0) core::hop_free(index_);
  index_ = -1;
}

void Hop::free() {
  if (phase_ != Phase::Over && !is_free()) end("");
  phase_ = Phase::Free;
}
