/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver of virtio_net.h. Queue 0 receives, queue 1 transmits; both carry a header of 12 bytes
 * before the frame (Virtio 1.1, 5.1.6), here all zeros: no offload is agreed on.
 *
 * A receive buffer, so that the IP header is 4-aligned and lwIP's two bytes of padding
 * (ETH_PAD_SIZE) fall on the header's last two: 2 unused, 12 header, 14 Ethernet, 1,500 packet.
 */
#include "virtio_net.h"
#include "machine.h"
#include "network.h"
#include "virtio.h"

#include "lwip/etharp.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "netif/ethernet.h"

#include <string.h>

namespace virtio_net {

constexpr uint32_t FEATURE_MAC = 1u << 5, FEATURE_STATUS = 1u << 16;
constexpr uint32_t CONFIG_STATUS = 6;
constexpr uint8_t STATUS_HAS_LINK = 1;
constexpr uint32_t RECEIVE = 0, TRANSMIT = 1;

constexpr uint16_t HEADER_BYTES = 12;
constexpr uint16_t FRAME_MOST = 1514;
constexpr uint16_t PACKET_MOST = 1500;
constexpr uint16_t BUFFER_START = 2;
constexpr uint16_t RECEIVE_BUFFERS = 4;
/** The rest is always the device's. */
constexpr uint16_t KEPT_MOST = RECEIVE_BUFFERS / 2;
constexpr uint16_t TRANSMIT_DESCRIPTORS = 16;
/** Frames of more pieces than this are put together first. */
constexpr uint16_t PIECES_MOST = 6;

constexpr uint64_t TRANSMIT_MOST_TICKS = 2 * MACHINE_TICKS_PER_MS;

struct Buffer {
  pbuf_custom head; /* first: lwIP hands back its address */
  alignas(4) uint8_t bytes[BUFFER_START + HEADER_BYTES + FRAME_MOST];
};

static virtio::Device device;
static virtio::Queue<RECEIVE_BUFFERS> receiving;
static virtio::Queue<TRANSMIT_DESCRIPTORS> transmitting;
static Buffer buffers[RECEIVE_BUFFERS];
static const uint8_t empty_header[HEADER_BYTES] = {};
/** By the first descriptor of their chain: what is being transmitted, and in how many pieces. */
static pbuf* sending[TRANSMIT_DESCRIPTORS];
static uint16_t sending_pieces[TRANSMIT_DESCRIPTORS];
static uint16_t next_descriptor, free_descriptors = TRANSMIT_DESCRIPTORS;

static uint16_t kept_buffers;

static void offer_buffer(uint16_t index) {
  uint8_t* start = buffers[index].bytes + BUFFER_START;
  receiving.descriptor(index) = {reinterpret_cast<uintptr_t>(start), HEADER_BYTES + FRAME_MOST,
                                 virtio::DEVICE_WRITES, 0};
  receiving.offer(index);
}

/** lwIP is done with a received frame. */
static void take_back(pbuf* frame) {
  kept_buffers--;
  offer_buffer(static_cast<uint16_t>(reinterpret_cast<Buffer*>(frame) - buffers));
}

/** Descriptors are used in order, and the device is done with them in order. */
static void free_sent() {
  virtio::UsedElement used = {0, 0};
  while (transmitting.take(&used)) {
    const uint32_t head = used.head % TRANSMIT_DESCRIPTORS;
    if (sending[head] == nullptr) continue;
    pbuf_free(sending[head]);
    sending[head] = nullptr;
    free_descriptors = static_cast<uint16_t>(free_descriptors + sending_pieces[head]);
  }
}

static void add_piece(const void* bytes, uint32_t length, bool has_next) {
  const uint16_t next = static_cast<uint16_t>((next_descriptor + 1) % TRANSMIT_DESCRIPTORS);
  transmitting.descriptor(next_descriptor) = {reinterpret_cast<uintptr_t>(bytes), length,
                                              has_next ? virtio::HAS_NEXT : uint16_t{0}, next};
  next_descriptor = next;
  free_descriptors--;
}

/**
 * Waits for room: the device reads a frame within microseconds, and lwIP would come again only by
 * its slow timer. False: it took longer than 2 ms.
 */
static bool wait_for_descriptors(uint16_t count) {
  const uint64_t begun = machine_time();
  while (count > free_descriptors) {
    free_sent();
    if (machine_time() - begun > TRANSMIT_MOST_TICKS) break;
  }
  return count <= free_descriptors;
}

/** Hands a frame to the device, which reads it where it lies. ERR_BUF: no descriptors in time. */
static err_t queue_frame(pbuf* frame, uint16_t pieces) {
  if (!wait_for_descriptors(static_cast<uint16_t>(pieces + 1))) return ERR_BUF;
  const uint16_t head = next_descriptor;
  add_piece(empty_header, HEADER_BYTES, true);
  uint16_t skipped = ETH_PAD_SIZE;
  for (pbuf* p = frame; p != nullptr; p = p->next) {
    if (p->len > skipped) {
      const uint8_t* bytes = static_cast<const uint8_t*>(p->payload) + skipped;
      add_piece(bytes, static_cast<uint32_t>(p->len - skipped), p->next != nullptr);
      skipped = 0;
    } else {
      skipped = static_cast<uint16_t>(skipped - p->len);
      pieces--;
    }
  }
  sending[head] = frame;
  sending_pieces[head] = static_cast<uint16_t>(pieces + 1);
  transmitting.offer(head);
  return ERR_OK;
}

static err_t transmit(netif*, pbuf* frame) {
  const uint16_t pieces = pbuf_clen(frame);
  if (pieces <= PIECES_MOST) {
    pbuf_ref(frame);
  } else {
    frame = pbuf_clone(PBUF_RAW, PBUF_RAM, frame);
    if (frame == nullptr) return ERR_MEM;
  }
  const err_t result = queue_frame(frame, pieces <= PIECES_MOST ? pieces : uint16_t{1});
  if (result != ERR_OK) pbuf_free(frame);
  return result;
}

err_t start(netif* interface) {
  if (!device.open(virtio::NETWORK, FEATURE_MAC | FEATURE_STATUS)) return ERR_IF;
  receiving.attach(device, RECEIVE);
  transmitting.attach(device, TRANSMIT);
  device.begin();
  for (uint16_t i = 0; i < RECEIVE_BUFFERS; i++) {
    buffers[i].head.custom_free_function = take_back;
    offer_buffer(i);
  }
  interface->name[0] = 'e';
  interface->name[1] = 'n';
  interface->mtu = PACKET_MOST;
  interface->hwaddr_len = ETH_HWADDR_LEN;
  for (uint8_t i = 0; i < ETH_HWADDR_LEN; i++) interface->hwaddr[i] = device.config(i);
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
  interface->output = etharp_output;
  interface->linkoutput = transmit;
  return ERR_OK;
}

/** Gives back segments that have overtaken others: who sent them has them still. */
static void forget_overtaken() {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) tcp_free_ooseq(pcb);
}

/**
 * The frame in its buffer, or a copy of it, or null. Where there is room for neither, what is kept
 * makes way: without the acknowledgements that come nothing would ever be free again.
 */
static pbuf* wrap(Buffer* buffer, uint16_t length) {
  uint8_t* start = buffer->bytes + BUFFER_START + HEADER_BYTES - ETH_PAD_SIZE;
  const bool has_heap = network::fair_share(0) > network::heap().size / 2;
  if (kept_buffers >= KEPT_MOST && !has_heap) forget_overtaken();
  if (kept_buffers < KEPT_MOST) {
    kept_buffers++;
    const uint16_t most = FRAME_MOST + ETH_PAD_SIZE;
    return pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, &buffer->head, start, most);
  }
  pbuf* copy = has_heap ? pbuf_alloc(PBUF_RAW, length, PBUF_RAM) : nullptr;
  if (copy != nullptr) pbuf_take(copy, start, length);
  offer_buffer(static_cast<uint16_t>(buffer - buffers));
  return copy;
}

static void hand_up(netif* interface, Buffer* buffer, uint32_t frame_bytes) {
  pbuf* frame = wrap(buffer, static_cast<uint16_t>(frame_bytes + ETH_PAD_SIZE));
  if (frame != nullptr && interface->input(frame, interface) != ERR_OK) pbuf_free(frame);
}

void poll(netif* interface) {
  free_sent();
  virtio::UsedElement used = {0, 0};
  /* As many as there are buffers: a peer that sends without end does not keep the rest waiting. */
  for (uint16_t i = 0; i < RECEIVE_BUFFERS && receiving.take(&used); i++) {
    const uint16_t index = static_cast<uint16_t>(used.head % RECEIVE_BUFFERS);
    if (used.bytes > HEADER_BYTES && used.bytes <= HEADER_BYTES + FRAME_MOST) {
      hand_up(interface, &buffers[index], used.bytes - HEADER_BYTES);
    } else {
      offer_buffer(index);
    }
  }
}

bool has_link() {
  return (device.config(CONFIG_STATUS) & STATUS_HAS_LINK) != 0;
}

void acknowledge() {
  device.acknowledge();
}

} // namespace virtio_net
