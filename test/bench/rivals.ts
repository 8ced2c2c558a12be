// SPDX-License-Identifier: Apache-2.0
// The same primitives out of other libraries, for v8-primitives.ts and v8-layers.ts: node:crypto
// (OpenSSL), @noble (JavaScript) and libsodium-wrappers (C compiled to WebAssembly). Each operation is
// made ready for inputs and gives a function to be timed; null where a library has it not.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { sha3_256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import sodium from "libsodium-wrappers";

export type Run = () => void;

/** What every library is asked for. Keys of 32, nonces of 12 bytes; sealed is ciphertext and tag. */
export type Rival = {
  name: string;
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Run;
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Run;
  x25519(secret: Uint8Array, point: Uint8Array): Run;
  blake2s(data: Uint8Array): Run | null;
  sha3(data: Uint8Array): Run;
  keygen(seed: Uint8Array): Run;
  encaps(ek: Uint8Array, message: Uint8Array): Run;
  decaps(dk: Uint8Array, ciphertext: Uint8Array, seed: Uint8Array): Run;
};

/** libsodium is ready only some time after it was loaded. */
export async function loadRivals(): Promise<Rival[]> {
  await sodium.ready;
  return [NODE, NOBLE, SODIUM];
}

const CIPHER = "chacha20-poly1305";
const TAG_LEN = 16;
const KEM = "ml-kem-768";
/** DER before the raw key: RFC 8410 for X25519, RFC 9935 for ML-KEM-768 (public, and private as a seed). */
const X25519_PRIVATE = "302e020100300506032b656e04220420";
const X25519_PUBLIC = "302a300506032b656e032100";
const KEM_PUBLIC = "308204b2300b0609608648016503040402038204a100";
const KEM_SEED = "3054020100300b06096086480165030404020442" + "8040";

function privateKey(prefix: string, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(prefix, "hex"), raw]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function publicKey(prefix: string, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(prefix, "hex"), raw]);
  return createPublicKey({ key, format: "der", type: "spki" });
}

const NODE: Rival = {
  name: "node:crypto",
  seal: (key, nonce, plaintext) => () => {
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_LEN });
    cipher.update(plaintext);
    cipher.final();
    cipher.getAuthTag();
  },
  open: (key, nonce, sealed) => () => {
    const cipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_LEN });
    cipher.setAuthTag(sealed.subarray(-TAG_LEN));
    cipher.update(sealed.subarray(0, -TAG_LEN));
    cipher.final();
  },
  x25519: (secret, point) => {
    const keys = {
      privateKey: privateKey(X25519_PRIVATE, secret),
      publicKey: publicKey(X25519_PUBLIC, point),
    };
    return () => diffieHellman(keys);
  },
  blake2s: (data) => () => createHash("blake2s256").update(data).digest(),
  sha3: (data) => () => createHash("sha3-256").update(data).digest(),
  keygen: () => () => generateKeyPairSync(KEM),
  encaps: (ek) => {
    const key = publicKey(KEM_PUBLIC, ek);
    return () => encapsulate(key);
  },
  decaps: (_dk, ciphertext, seed) => {
    const key = privateKey(KEM_SEED, seed);
    return () => decapsulate(key, ciphertext);
  },
};

const NOBLE: Rival = {
  name: "@noble",
  seal: (key, nonce, plaintext) => () => chacha20poly1305(key, nonce).encrypt(plaintext),
  open: (key, nonce, sealed) => () => chacha20poly1305(key, nonce).decrypt(sealed),
  x25519: (secret, point) => () => x25519.getSharedSecret(secret, point),
  blake2s: (data) => () => blake2s(data),
  sha3: (data) => () => sha3_256(data),
  keygen: (seed) => () => ml_kem768.keygen(seed),
  encaps: (ek, message) => () => ml_kem768.encapsulate(ek, message),
  decaps: (dk, ciphertext) => () => ml_kem768.decapsulate(ciphertext, dk),
};

const SODIUM: Rival = {
  name: "libsodium",
  seal: (key, nonce, plaintext) => () =>
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, null, null, nonce, key),
  open: (key, nonce, sealed) => () =>
    sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, sealed, null, nonce, key),
  x25519: (secret, point) => () => sodium.crypto_scalarmult(secret, point),
  blake2s: () => null,
  sha3: (data) => () => sodium.crypto_hash_sha3256(data),
  keygen: (seed) => () => sodium.crypto_kem_mlkem768_seed_keypair(seed),
  encaps: (ek) => () => sodium.crypto_kem_mlkem768_enc(ek),
  decaps: (dk, ciphertext) => () => sodium.crypto_kem_mlkem768_dec(ciphertext, dk),
};
