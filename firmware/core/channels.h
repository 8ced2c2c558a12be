/* SPDX-License-Identifier: Apache-2.0
 *
 * The datagram channels of one Binding, Mapping and link: one, or two while a successor follows.
 * The twin of host/stlink/channels.ts. Before it: datagram_binding.cpp or datagram_mapping.cpp,
 * which open or take them. After it: the core's channels. Datagrams go out on the highest number on
 * which this side may send. PROTOCOL 8.1, 8.3.
 *
 * Invariant: a stream that stands here is released by nobody else.
 */
#ifndef SEALEDTUNNEL_CHANNELS_H
#define SEALEDTUNNEL_CHANNELS_H

#include <stdint.h>

class Channels {
public:
  static constexpr uint32_t MOST = 2;

  bool is_empty() const;
  bool has(int32_t stream) const;
  /** One of MOST, or -1. */
  int32_t at(uint32_t index) const { return all_[index].stream; }

  /** Takes a channel in. False: there is no place for a third. */
  [[nodiscard]] bool add(int32_t stream);
  /** From now on this side may send on it. */
  void allow(int32_t stream);
  /** The channel to send on, or -1. */
  int32_t best() const;
  /** Opener: that has served for long enough (rule U3). */
  bool wants_successor() const;
  /** Lets a channel go that has ended. */
  void remove(int32_t stream);
  /** Ends all of them from this side. */
  void end(uint8_t reason);

private:
  struct One {
    int32_t stream = -1;
    uint32_t number = 0;
    bool may_send = false;
  };
  One all_[MOST];
};

#endif
