// SPDX-License-Identifier: Apache-2.0
// A certificate for commander.test and 127.0.0.1 with its key, made for tests alone: nobody else trusts it. It is valid
// from 2000 to 2100, whatever a machine's clock says. Before it: nothing. After it: commander-api-access.test.ts.

export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdTCCARygAwIBAgIBATAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5jb21tYW5k
ZXIudGVzdDAgFw0wMDAxMDEwMDAwMDBaGA8yMTAwMDEwMTAwMDAwMFowGTEXMBUG
A1UEAwwOY29tbWFuZGVyLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATa
PAKHsfiZBLG70RHvqu8scTJwkmRQ3Zlp8kbpcKyVS0M269073JwwMG0raplOEOWC
owNVELUmeIlPTnEj83I2o1MwUTAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBQ1
3lgoXNi+9UJy5TDmHJPeRz5JDTAfBgNVHREEGDAWgg5jb21tYW5kZXIudGVzdIcE
fwAAATAKBggqhkjOPQQDAgNHADBEAiAfmBN6lUMH1+X/JBE30OVwb2UjFw82zfvv
P6ZNWl1GUQIgMfMhTI6UZgIzpdpT0dqbY3nlnI0eWWPB3gnkvoIWhsU=
-----END CERTIFICATE-----
`;

export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKew0SPCS469KAFNY
Dedu2/G/vRatNnQ2OKjmB0VI4AahRANCAATaPAKHsfiZBLG70RHvqu8scTJwkmRQ
3Zlp8kbpcKyVS0M269073JwwMG0raplOEOWCowNVELUmeIlPTnEj83I2
-----END PRIVATE KEY-----
`;
