/* SPDX-License-Identifier: Apache-2.0
 *
 * One hop: a connection to a Connector from its dial to its end, and the core's hop on it. The twin
 * of host/stlink/hop.ts and host/net/hop-wire.ts. Before it: connectors.cpp, which dials it anew.
 * After it: sockets.h, the core. Bytes are read into the core's memory and written out of it.
 *
 * Invariant: the core's hop is freed with the connection; nothing is read while the core has no
 * room.
 */
#ifndef SEALEDTUNNEL_HOP_H
#define SEALEDTUNNEL_HOP_H

#include "addresses.h"

#include <stdint.h>

class Hop {
public:
  enum class Phase : uint8_t {
    Free,
    LookingUp,
    Dialling,
    Sealed, /* the core has a hop: its handshake, then its records */
    Over,   /* `reason` and `why` say why; then it is to be freed */
  };

  /** Dials the Connector at this place, or the ticket's (`by_code`), from `name` and `port`. */
  void dial(uint8_t place, bool by_code, const HostName& name, uint16_t port, uint32_t now);

  /** Moves what there is of what comes; true when something moved. */
  bool turn(uint32_t now);
  /** Writes what the core has (`is_due`), and what was left from before; true when something moved.
   */
  bool send(bool is_due);

  /** Tells the Connector that this side is done, as far as it can be told at once. */
  void stop(uint8_t reason);
  /** Ends it for a reason of the host's own. */
  void give_up(const char* why) { end(why); }
  /** The place is nobody's again; the connection ends if it is still there. */
  void free();

  Phase phase() const { return phase_; }
  bool is_free() const { return phase_ == Phase::Free; }
  bool is_up() const { return phase_ == Phase::Sealed && is_up_; }
  /** How long its handshake has taken so far; 0 before and after it. */
  uint32_t handshake_ms(uint32_t now) const {
    return phase_ == Phase::Sealed && !is_up_ ? now - since_ : 0;
  }
  uint8_t place() const { return place_; }
  bool is_by_code() const { return by_code_; }
  /** The core's hop, or -1. */
  int32_t index() const { return index_; }
  /** Reason (13.2) of the Connector's CLOSE or REFUSED, or 0. */
  uint8_t reason() const { return reason_; }
  /** Why the core has ended it: a status, or 0. */
  int32_t status() const { return status_; }
  /** How it ended, in words. */
  const char* why() const { return why_; }
  uint32_t bytes_in() const { return bytes_in_; }
  uint32_t bytes_out() const { return bytes_out_; }

private:
  bool look_up();
  bool wait_for_connection();
  bool open(uint32_t now);
  bool move(uint32_t now);
  bool receive();
  void look();
  void end(const char* why);

  Phase phase_ = Phase::Free;
  uint8_t place_ = 0;
  bool by_code_ = false;
  bool is_up_ = false;
  bool has_ended_ = false; /* the Connector has half-closed */
  bool has_rest_ = false;  /* the socket has not taken all of what the core had */
  uint8_t reason_ = 0;
  int32_t status_ = 0;
  int32_t whole_room_ = 0; /* for what comes, where nothing waits */
  int32_t socket_ = -1;
  int32_t index_ = -1;
  uint32_t since_ = 0;
  uint32_t bytes_in_ = 0;
  uint32_t bytes_out_ = 0;
  const char* why_ = "";
  HostName name_ = {};
  sockets::Address address_ = {};
};

#endif
