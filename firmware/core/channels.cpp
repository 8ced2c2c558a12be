/* SPDX-License-Identifier: Apache-2.0
 *
 * See channels.h. Before it: news of a channel, which its owner asks for in each turn. After it:
 * the core, which drops what is too old or too much by itself (rule U4).
 */
#include "channels.h"

#include "core.h"

namespace {

/** Age of a datagram, PROTOCOL 11. */
constexpr int32_t AGE_MS = 2000;

} // namespace

bool Channels::is_empty() const {
  return !has(all_[0].stream) && !has(all_[1].stream);
}

bool Channels::has(int32_t stream) const {
  for (const One& one : all_) {
    if (stream >= 0 && one.stream == stream) return true;
  }
  return false;
}

bool Channels::add(int32_t stream) {
  for (One& one : all_) {
    if (one.stream >= 0) continue;
    one = One();
    one.stream = stream;
    core::stream_hold(stream, AGE_MS);
    return true;
  }
  return false;
}

void Channels::allow(int32_t stream) {
  for (One& one : all_) {
    if (one.stream != stream || one.may_send) continue;
    core::StreamInfo info;
    if (!core::stream_info(stream, &info)) continue;
    one.number = info.number;
    one.may_send = true;
  }
}

int32_t Channels::best() const {
  const One* best = nullptr;
  for (const One& one : all_) {
    if (one.stream < 0 || !one.may_send) continue;
    if (best == nullptr || one.number > best->number) best = &one;
  }
  return best != nullptr ? best->stream : -1;
}

bool Channels::wants_successor() const {
  int32_t flags = best() >= 0 ? core::stream_flags(best()) : 0;
  return flags > 0 && (flags & core::SUCCESSOR) != 0;
}

void Channels::remove(int32_t stream) {
  for (One& one : all_) {
    if (one.stream != stream) continue;
    core::stream_release(stream);
    one = One();
  }
}

void Channels::end(uint8_t reason) {
  for (One& one : all_) {
    if (one.stream < 0) continue;
    core::stream_reset(one.stream, reason);
    core::stream_release(one.stream);
    one = One();
  }
}
