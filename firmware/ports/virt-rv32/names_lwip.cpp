/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of core/sockets.h: literal IPv4 addresses, and lwIP's resolver with the server that DHCP
 * has named. A question is remembered by its name until its answer was fetched once; two at a time.
 */
#include "network.h"

#include "lwip/dns.h"

#include <string.h>

using sockets::Address;
using sockets::Lookup;

namespace {

constexpr size_t QUESTIONS = 2;

struct Question {
  char name[DNS_MAX_NAME_LENGTH]; /* empty: free */
  Lookup state;
  ip_addr_t host;
};
Question questions[QUESTIONS];

void on_answer(const char*, const ip_addr_t* host, void* argument) {
  Question* question = static_cast<Question*>(argument);
  question->state = host != nullptr ? Lookup::Found : Lookup::Failed;
  if (host != nullptr) question->host = *host;
  network::note_news();
}

Question* find(const char* name) {
  for (Question& question : questions) {
    if (strcmp(question.name, name) == 0) return &question;
  }
  return nullptr;
}

/** Asks. Pending too when all places are taken: the caller comes again. */
Lookup ask(const char* name, ip_addr_t* host) {
  Question* question = find("");
  if (question == nullptr) return Lookup::Pending;
  const err_t error = dns_gethostbyname(name, host, on_answer, question);
  if (error == ERR_OK) return Lookup::Found;
  if (error != ERR_INPROGRESS) return Lookup::Failed;
  strcpy(question->name, name); /* its length was checked */
  question->state = Lookup::Pending;
  return Lookup::Pending;
}

Lookup fetch(Question* question, ip_addr_t* host) {
  const Lookup state = question->state;
  if (state == Lookup::Pending) return state;
  *host = question->host;
  question->name[0] = 0;
  return state;
}

void put_host(const ip_addr_t& host, Address* found) {
  const uint16_t port = found->port;
  *found = network::from_lwip(host, port);
}

} // namespace

namespace sockets {

bool takes_ipv6() {
  return LWIP_IPV6 != 0;
}

Lookup lookup(const char* name, Address* found) {
  ip_addr_t host;
  const size_t length = strlen(name);
  if (length == 0 || length >= DNS_MAX_NAME_LENGTH || strchr(name, ':') != nullptr) {
    return Lookup::Failed;
  }
  Lookup state = Lookup::Found;
  if (!ipaddr_aton(name, &host)) {
    Question* asked = find(name);
    state = asked != nullptr ? fetch(asked, &host) : ask(name, &host);
  }
  if (state == Lookup::Found) put_host(host, found);
  return state;
}

} // namespace sockets
