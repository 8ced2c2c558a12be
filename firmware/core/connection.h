/* SPDX-License-Identifier: Apache-2.0
 *
 * One application's connection and one stream, from its beginning at a Mapping (mapping.cpp) or a
 * Binding (binding.cpp) until both are over (pump.cpp). streams.cpp has the table of them.
 *
 * Invariants: a socket and a stream that stand here are closed and released by nobody else; Free
 * has neither.
 */
#ifndef SEALEDTUNNEL_CONNECTION_H
#define SEALEDTUNNEL_CONNECTION_H

#include "configuration.h"
#include "sizes.h"
#include "sockets.h"

#include <stdint.h>

struct Connection {
  enum class Stage : uint8_t {
    Free,
    LookingUp, /* Mapping: its target's name */
    Dialling,  /* Mapping: its target */
    Opening,   /* Binding: until the peer's target has answered */
    Joined,
  };

  Stage stage = Stage::Free;
  bool app_ended = false;    /* the application has half-closed */
  bool fin_given = false;    /* the stream was told so */
  bool stream_ended = false; /* the stream's FIN was passed on to the application */
  int32_t stream = -1;
  int32_t socket = -1;
  uint8_t route[configuration::ID] = {};

  uint32_t since = 0;         /* when it began */
  sockets::Address from = {}; /* Binding: who connected */
  /* Binding: links that have not been tried; until when the one that is tried may answer. */
  uint8_t left[sizes::LINKS] = {};
  uint8_t left_count = 0;
  bool has_choice = false;
  bool has_share = false; /* it has accepted, and has its share of the time */
  uint32_t until = 0;
};

#endif
