// SPDX-License-Identifier: Apache-2.0
// Base32 of RFC 4648, section 6, without padding: bytes that people read aloud, compare or copy. Before it:
// fingerprints, activation codes. After it: a terminal, or a person's paste.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Each five bits a letter; the last ones are filled up with zero bits. */
export function toBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const fives = bits.match(/.{1,5}/g) ?? [];
  return fives.map((five) => LETTERS[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}

/** Either case. null: it has other letters, or bits left over that are not zero. */
export function fromBase32(text: string): Uint8Array | null {
  const values = [...text.toUpperCase()].map((letter) => LETTERS.indexOf(letter));
  if (values.includes(-1)) return null;
  const bits = values.map((value) => value.toString(2).padStart(5, "0")).join("");
  const length = Math.floor(bits.length / 8);
  const byteAt = (i: number) => Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2);
  const bytes = Uint8Array.from({ length }, (_, i) => byteAt(i));
  return toBase32(bytes) === text.toUpperCase() ? bytes : null;
}
