/* SPDX-License-Identifier: Apache-2.0
 *
 * lwIP on the device: IPv4, TCP, UDP, DHCP and DNS by its raw interface, without threads. The
 * counts come from the core's own (host/core/sizes.ts, a device): two hops, four streams, and one
 * more connection while a hop is dialled anew. Loopback is not lwIP's (pipes.cpp).
 *
 * RAM: what is received lies in each connection's own ring (sockets_lwip.cpp), so the heap holds
 * only what is being sent and datagrams that wait.
 */
#ifndef SEALEDTUNNEL_VIRT_LWIPOPTS_H
#define SEALEDTUNNEL_VIRT_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_RAW 0
#define LWIP_IPV4 1
/* What it would cost: NOTES.md. */
#define LWIP_IPV6 0

#define MEM_ALIGNMENT 4
#define MEM_SIZE (8704)
#define MEMP_NUM_PBUF 4
#define PBUF_POOL_SIZE 0
#define LWIP_SUPPORT_CUSTOM_PBUF 1
/* They ask for a pool of receive buffers, which are the driver's here. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

#define MEMP_NUM_TCP_PCB 8
#define MEMP_NUM_TCP_PCB_LISTEN 4
#define MEMP_NUM_TCP_SEG 32
#define MEMP_NUM_UDP_PCB 7
#define TCP_LISTEN_BACKLOG 1

#define TCP_MSS 1460
/* With two segments delayed acknowledgements and withheld window updates wait for one another. */
#define TCP_WND (3 * TCP_MSS)
#define TCP_SND_BUF (4 * TCP_MSS)
#define TCP_SND_QUEUELEN 16
/* A segment is as long as its bytes: what is written is records, not single bytes. */
#define TCP_OVERSIZE 0
/* Of segments out of order a connection keeps what its window lets come, and the driver says how
 * much of the heap all of them get (virtio_net.cpp). */
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_PBUFS 4
#define LWIP_TCP_RTO_TIME 1000
/* About a minute of retransmission; nobody wants a connection that was silent for longer. */
#define TCP_MAXRTX 6
#define TCP_SYNMAXRTX 4
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) chance32()

#define IP_FRAG 0
#define IP_REASSEMBLY 0
#define ETH_PAD_SIZE 2
#define ARP_TABLE_SIZE 8
#define ARP_QUEUEING 0
#define LWIP_DHCP 1
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 2
#define DNS_MAX_SERVERS 1
/* As long as a Connector's or a target's name may be (core/sizes.h), with its end. */
#define DNS_MAX_NAME_LENGTH 128

#define LWIP_STATS 1
#define MEM_STATS 1
#define LINK_STATS 0
#define ETHARP_STATS 0
#define IP_STATS 0
#define ICMP_STATS 0
#define UDP_STATS 0
#define TCP_STATS 0
#define MEMP_STATS 0
#define SYS_STATS 0

#endif
