// SPDX-License-Identifier: Apache-2.0
// The sessions of one link (PROTOCOL 5.2, rules S5 to S7) for SPIN: two peers and a path that loses,
// doubles, reorders and delays packets, replays old messages 1, and lets either side reboot, FAULTS
// times in all and at every moment. After the last fault the path is fair, and both sides have to come
// to one current session, the one before it retired. Keys are not modelled (handshakes.ts does that): a
// session is a number that the responder draws, `e` the initiator's ephemeral. Nor are times: a
// repetition comes when the path is empty, or earlier as a fault. Macros that begin MUTATE_ make the broken variants.

#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef ROOM
#define ROOM 3
#endif

/** More handshakes, or more rounds of packets, than any run with three faults needs. */
#define MOST_NAMES 60
#define MOST_ROUNDS 60
/** Repetitions of one message 1, and of one message 3; the protocol has 5 and 4. */
#define TRIES 2

#define LOWER 0
#define OTHER (1 - me)
#define IDLE (len(path[0]) == 0 && len(path[1]) == 0)

#define isUnconfirmed (peer[me].isInitiator && !peer[me].isConfirmed && peer[me].repeats < TRIES)

/** S7: a handshake of this side's is out: its message 1, or its message 3 that is still repeated. */
#ifdef MUTATE_CROSS_OFFER
#define isOut (peer[me].offered != 0)
#else
#define isOut (peer[me].offered != 0 || isUnconfirmed)
#endif

/** S7: the lower id ignores the peer's message 1 while its own handshake is out. */
#if defined(MUTATE_BOTH_WIN)
#define ignoresInGlare true
#elif defined(MUTATE_BOTH_LOSE)
#define ignoresInGlare false
#else
#define ignoresInGlare (me == LOWER)
#endif

mtype = { message1, message2, message3, data, noSession };

typedef Peer {
  byte current, previous;
  bool isInitiator, isConfirmed; /* of the current session */
  byte finishedE; /* of the current session where this side began it: message 3 may be repeated */
  byte offered, offeredTries; /* own message 1 that is out */
  byte answered, answeredSession; /* the peer's message 1 that is being answered: place `next` */
  byte lastE; /* of the last finished handshake that this side answered */
  byte repeats; /* of message 3 */
  bool wants; /* a new session is wanted */
}

/** path[p] leads to p: kind, e, session. */
chan path[2] = [ROOM] of { mtype, byte, byte };
Peer peer[2];
byte faults = FAULTS;
byte names = 1;
byte rounds;
bit turn;
bool isOpened[MOST_NAMES + 1]; /* message 3 of the session has been opened */
bool isSecond[MOST_NAMES + 1]; /* e was made by peer 1 */
bool isE[MOST_NAMES + 1];

inline send(kind, e, session) {
  if
  :: nfull(path[OTHER]) -> path[OTHER]!kind(e, session)
  :: full(path[OTHER]) /* lost */
  fi
}

/** S5: nothing is sent under a session before its responder has opened message 3. */
inline sendData() {
  if
  :: peer[me].current != 0 ->
    assert(peer[me].isInitiator || isOpened[peer[me].current]);
    send(data, 0, peer[me].current)
  :: else
  fi
}

inline freshName(variable) {
  assert(names < MOST_NAMES); /* more handshakes than faults can explain: the pair is stuck */
  names++;
  variable = names
}

inline begin() {
  freshName(peer[me].offered);
  isE[peer[me].offered] = true;
  isSecond[peer[me].offered] = me;
  peer[me].offeredTries = 0;
  peer[me].wants = false;
  send(message1, peer[me].offered, 0)
}

inline makeCurrent(session, asInitiator) {
  if
  :: peer[me].current != 0 -> peer[me].previous = peer[me].current
  :: else
  fi;
  peer[me].current = session;
  peer[me].isInitiator = asInitiator;
  peer[me].isConfirmed = !asInitiator;
  peer[me].repeats = 0;
  peer[me].wants = false
}

/** In the place of an answer to message 1: a peer that has lost the session says NO_SESSION. */
inline speakAgain() {
  if
  :: isUnconfirmed -> send(message3, 0, peer[me].current); sendData()
  :: else
  fi
}

inline take1(e) {
  if
  :: e == peer[me].lastE
  :: else ->
    if
    :: e == peer[me].answered -> send(message2, e, peer[me].answeredSession)
    :: e != peer[me].answered && isOut && ignoresInGlare -> speakAgain()
    :: e != peer[me].answered && !(isOut && ignoresInGlare) ->
      peer[me].offered = 0;
      peer[me].answered = e;
      freshName(peer[me].answeredSession);
      send(message2, e, peer[me].answeredSession);
#ifdef MUTATE_EARLY
      makeCurrent(peer[me].answeredSession, false);
      sendData()
#endif
    fi
  fi
}

inline take2(e, session) {
  if
  :: e == peer[me].offered ->
    makeCurrent(session, true);
    peer[me].finishedE = e;
    peer[me].offered = 0;
#ifndef MUTATE_CROSS_ANSWER
    if
    :: me == LOWER -> peer[me].answered = 0; peer[me].answeredSession = 0
    :: else
    fi;
#endif
#ifdef MUTATE_BREAK
    peer[me].previous = 0;
#endif
    send(message3, 0, session);
    sendData()
  :: e != peer[me].offered && e == peer[me].finishedE && peer[me].isInitiator && !peer[me].isConfirmed ->
    send(message3, 0, peer[me].current)
  :: else
  fi
}

inline take3(session) {
  if
  :: session == peer[me].answeredSession && session != 0 ->
    isOpened[session] = true;
    makeCurrent(session, false);
    peer[me].lastE = peer[me].answered;
    peer[me].answered = 0;
    peer[me].answeredSession = 0;
    sendData()
  :: else
  fi
}

inline takeData(session) {
  if
  :: session == peer[me].current ->
    if
    :: !peer[me].isConfirmed -> peer[me].isConfirmed = true
    :: else
    fi;
    peer[me].previous = 0
  :: session != peer[me].current && session == peer[me].previous
  :: session != peer[me].current && session == peer[me].answeredSession
  :: else ->
#ifndef MUTATE_SILENT
    send(noSession, 0, session)
#endif
  fi
}

inline take() {
  path[me]?kind, e, session;
  before = peer[me].current;
  old = peer[me].previous;
  if
  :: kind == message1 ->
    take1(e);
    assert(peer[me].current == before && peer[me].previous == old)
  :: kind == message2 ->
    take2(e, session);
    /* What the peer sent under this side's current session until now can still be opened. */
    assert(peer[me].current == before || peer[me].previous == before)
  :: kind == message3 -> take3(session)
  :: kind == data -> takeData(session)
  :: kind == noSession ->
    if
    :: session == peer[me].current -> peer[me].wants = true
    :: else
    fi
  fi;
  kind = 0; e = 0; session = 0; before = 0; old = 0
}

/** All clocks of a side run out, in the order in which it writes. Nothing here answers a packet. */
inline tick() {
  if
#ifdef MUTATE_ONCE
  :: peer[me].offered != 0
#else
  :: peer[me].offered != 0 && peer[me].offeredTries < TRIES ->
    peer[me].offeredTries++;
    send(message1, peer[me].offered, 0)
  :: peer[me].offered != 0 && peer[me].offeredTries >= TRIES -> begin()
#endif
  :: peer[me].offered == 0 && (peer[me].wants || peer[me].current == 0) -> begin()
  :: else
  fi;
  if
  :: peer[me].isInitiator && !peer[me].isConfirmed && peer[me].repeats < TRIES ->
    peer[me].repeats++;
    send(message3, 0, peer[me].current)
  :: else
  fi;
  sendData()
}

inline reboot() {
  d_step {
    peer[me].current = 0; peer[me].previous = 0;
    peer[me].isInitiator = false; peer[me].isConfirmed = false;
    peer[me].finishedE = 0; peer[me].offered = 0; peer[me].offeredTries = 0;
    peer[me].answered = 0; peer[me].answeredSession = 0; peer[me].lastE = 0;
    peer[me].repeats = 0; peer[me].wants = false
  }
}

#define SETTLED (!peer[0].wants && !peer[1].wants && peer[0].offered == 0 && peer[1].offered == 0 && peer[0].isConfirmed && peer[1].isConfirmed)
#define AGREED (SETTLED && peer[0].current != 0 && peer[0].current == peer[1].current && peer[0].previous == 0 && peer[1].previous == 0)

/** One process: every interleaving of the two sides and the path is a choice of its loop. */
active proctype link() {
  byte me, e, session, before, old;
  mtype kind;
end:
  do
  :: atomic { nempty(path[0]) -> me = 0; take(); me = 0 }
  :: atomic { nempty(path[1]) -> me = 1; take(); me = 0 }
  /* The path is empty and all is not well: clocks run out, one side's, in turn, or both. */
  :: atomic { IDLE && !AGREED ->
      rounds++;
      assert(rounds < MOST_ROUNDS); /* no agreement under a fair path: stuck */
      if
      :: me = turn; turn = 1 - turn; tick()
      :: me = 0; tick(); me = 1; tick()
      fi;
      me = 0 }
  :: atomic { faults > 0 -> faults--;
      if
      :: me = 0
      :: me = 1
      fi;
      if
      :: nempty(path[me]) -> path[me]?kind, e, session /* lost */
      :: nempty(path[me]) && nfull(path[me]) -> path[me]?<kind, e, session>; path[me]!kind(e, session)
      :: len(path[me]) > 1 -> path[me]?kind, e, session; path[me]!kind(e, session) /* reordered */
      :: reboot()
      :: tick() /* a clock runs out early: delay, glare */
      :: peer[me].offered == 0 -> begin() /* a rekey, or the first use */
      :: nfull(path[me]) -> /* an old message 1 of the other side */
        before = 1;
        do
        :: before < names -> before++
        :: before <= names && isE[before] && isSecond[before] == OTHER ->
          path[me]!message1(before, 0);
          break
        :: before >= names -> break
        od
      fi;
      me = 0; kind = 0; e = 0; session = 0; before = 0 }
  od
}
