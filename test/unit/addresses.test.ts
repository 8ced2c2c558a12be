// SPDX-License-Identifier: Apache-2.0
// Where a Mapping may point and a Binding may listen: every kind of address, host names that resolve to
// public ones, subnets, interfaces. Names and interfaces are invented.

import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { ipKindOf, isInSubnet, Networks, networkBytes, networkText } from "../../host/net/ip.ts";
import {
  type Interfaces,
  listeningOf,
  mappingRefusal,
  refusedHint,
  resolveTarget,
  subnetWarning,
} from "../../host/stlink/addresses.ts";
import { checkSite } from "../../host/stlink/check.ts";
import { OPEN_ACCESS, type SiteBinding } from "../../host/stlink/site.ts";

function info(address: string, cidr: string): NetworkInterfaceInfo {
  const more = { address, cidr, netmask: "", mac: "", internal: false };
  return address.includes(":")
    ? { ...more, family: "IPv6", scopeid: 0 }
    : { ...more, family: "IPv4" };
}

const INTERFACES: Interfaces = {
  lo: [info("127.0.0.1", "127.0.0.1/8")],
  enp0s3: [info("192.168.0.7", "192.168.0.7/24"), info("fe80::7", "fe80::7/64")],
  eth1: [info("203.0.113.7", "203.0.113.7/24"), info("10.1.0.7", "10.1.0.7/16")],
  ppp0: [info("203.0.113.9", "203.0.113.9/32")],
};

describe("a network's bytes", () => {
  it.each([
    ["192.168.0.0/24", "0418c0a80000", "192.168.0.0/24"],
    ["0.0.0.0/0", "040000000000", "0.0.0.0/0"],
    ["::/0", `0600${"00".repeat(16)}`, "0:0:0:0:0:0:0:0/0"],
    ["::1/128", `0680${"00".repeat(15)}01`, "0:0:0:0:0:0:0:1/128"],
    ["fd12::/8", `0608fd12${"00".repeat(14)}`, "fd12:0:0:0:0:0:0:0/8"],
    [
      "2001:DB8:1:2:3:4:5:6/64",
      "06402001" + "0db8000100020003000400050006",
      "2001:db8:1:2:3:4:5:6/64",
    ],
    ["fe80::a:0:b/10", `060afe80${"00".repeat(8)}000a0000000b`, "fe80:0:0:0:0:a:0:b/10"],
    ["::ffff:10.0.0.0/104", `0668${"00".repeat(10)}ffff0a000000`, "0:0:0:0:0:ffff:a00:0/104"],
  ])("of %s are %s", (text, hex, plain) => {
    const bytes = networkBytes(text);
    expect(Buffer.from(bytes).toString("hex")).toBe(hex);
    expect(networkText(bytes)).toBe(plain);
  });
});

describe("ipKindOf", () => {
  it.each([
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["::1", "loopback"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "private"],
    ["169.254.1.1", "private"],
    ["fd12::1", "private"],
    ["fe80::1%eth0", "private"],
    ["::ffff:10.0.0.1", "private"],
    ["0.0.0.0", "any"],
    ["::", "any"],
    ["8.8.8.8", "other"],
    ["172.32.0.1", "other"],
    ["100.128.0.1", "other"],
    ["224.0.0.1", "other"],
    ["2001:db8::1", "other"],
    ["::ffff:8.8.8.8", "other"],
    ["64:ff9b::808:808", "other"],
    ["example.org", null],
    ["1.2.3", null],
  ])("%s is %s", (address, kind) => {
    expect(ipKindOf(address)).toBe(kind);
  });

  it("knows a subnet of either family", () => {
    expect(isInSubnet("192.168.0.9", "192.168.0.7/24")).toBe(true);
    expect(isInSubnet("192.168.1.9", "192.168.0.7/24")).toBe(false);
    expect(isInSubnet("fe80::9", "fe80::7/64")).toBe(true);
    expect(isInSubnet("fe80::9", "192.168.0.7/24")).toBe(false);
  });
});

describe("a Mapping", () => {
  const names: Record<string, string[]> = {
    "service.lan": ["192.168.0.1", "fd00::1"],
    "mixed.example.org": ["192.168.0.1", "8.8.8.8"],
  };
  const lookup = async (host: string) => {
    if (ipKindOf(host) !== null) return [host];
    return names[host] ?? Promise.reject(Object.assign(new Error(), { code: "ENOTFOUND" }));
  };

  it.each(["127.0.0.1", "::1", "192.168.0.1", "fd00::1", "service.lan", "localhost", "nas"])(
    "may point to %s",
    (host) => {
      expect(mappingRefusal(host)).toBeNull();
    },
  );

  it.each(["8.8.8.8", "2001:db8::1", "0.0.0.0", "::", "255.255.255.255"])(
    "may not point to %s, and is told why",
    (host) => {
      expect(mappingRefusal(host)).toContain("never points to a public address");
    },
  );

  it("dials all private addresses of a name", async () => {
    expect(await resolveTarget("service.lan", lookup)).toEqual({ hosts: names["service.lan"] });
  });

  it("is refused when one result of its name is public", async () => {
    expect(await resolveTarget("mixed.example.org", lookup)).toMatchObject({
      isPublic: true,
      refusal: expect.stringContaining(
        "mixed.example.org resolves to 8.8.8.8, which is not allowed: a Mapping never",
      ),
    });
  });

  it("says when its name does not resolve", async () => {
    expect(await resolveTarget("gone.lan", lookup)).toEqual({
      isPublic: false,
      refusal: "gone.lan does not resolve: check the name, or write the IP address.",
    });
  });

  it("outside of every subnet is reported, and loopback never is", () => {
    expect(subnetWarning("192.168.0.1", INTERFACES)).toBeNull();
    expect(subnetWarning("127.0.0.1", {})).toBeNull();
    expect(subnetWarning("192.168.9.1", INTERFACES)).toContain("in none of this machine's subnets");
  });

  it("that is refused on another machine hints at its loopback", () => {
    expect(refusedHint("192.168.0.1")).toContain("more than its own loopback");
    expect(refusedHint("127.0.0.1")).not.toContain("loopback");
  });
});

describe("a Binding", () => {
  it.each(["127.0.0.1", "127.3.2.1", "::1", "192.168.0.7", "fd00::7"])(
    "listens on %s alone",
    (ip) => {
      expect(listeningOf(ip, INTERFACES)).toEqual({ hosts: [ip], warning: null, refusal: null });
    },
  );

  it("listens on an interface by its name, with the scope of a link-local address", () => {
    const hosts = ["192.168.0.7", "fe80::7%enp0s3"];
    expect(listeningOf("enp0s3", INTERFACES)).toEqual({ hosts, warning: null, refusal: null });
  });

  it("leaves the public addresses of an interface out, and says so", () => {
    const { hosts, warning } = listeningOf("eth1", INTERFACES);
    expect(hosts).toEqual(["10.1.0.7"]);
    expect(warning).toBe("does not listen on the public addresses of eth1 (1).");
  });

  it.each(["all", "0.0.0.0", "::"])("on %s is warned of", (listenOn) => {
    expect(listeningOf(listenOn, INTERFACES).warning).toContain(
      "every machine that reaches this one",
    );
  });

  it("takes IPv4 alone for all where there is no IPv6", () => {
    expect(listeningOf("all", INTERFACES).hosts).toEqual(["::"]);
    expect(listeningOf("all", { lo: INTERFACES["lo"] }).hosts).toEqual(["0.0.0.0"]);
  });

  it.each([
    ["203.0.113.7", "203.0.113.7 is a public address"],
    ["ppp0", "ppp0 has no private address now"],
    [
      "wlan9",
      "neither an IP address nor an interface of this machine, which has lo, enp0s3, eth1, ppp0",
    ],
  ])("is refused on %s", (listenOn, expected) => {
    const { hosts, refusal } = listeningOf(listenOn, INTERFACES);
    expect(hosts).toEqual([]);
    expect(refusal).toContain(expected);
  });
});

describe("Networks", () => {
  const networks = new Networks([
    "10.0.0.0/9",
    "192.168.7.9/32",
    "fe80::/10",
    "::ffff:172.16.0.0/108",
  ]);

  it.each([
    "10.127.0.1",
    "::ffff:10.1.2.3",
    "::ffff:a01:203",
    "192.168.7.9",
    "fe80::1%eth0",
    "172.31.0.1",
  ])("have %s", (address) => {
    expect(networks.has(address)).toBe(true);
  });

  it.each([
    "10.128.0.1",
    "::ffff:11.0.0.1",
    "192.168.7.8",
    "::a01:203",
    "fec0::1",
    "172.32.0.1",
    "",
    "lan",
  ])("do not have %j", (address) => {
    expect(networks.has(address)).toBe(false);
  });
});

describe("an access list at a Binding on loopback", () => {
  const binding: SiteBinding = {
    name: "here",
    id: new Uint8Array(16),
    mappingId: new Uint8Array(16),
    protocol: "tcp",
    listenOn: "127.0.0.1",
    port: 443,
    peers: ["camera"],
    times: { holdMs: 0, idleMs: 0, ageMs: 0, flows: 1 },
    access: OPEN_ACCESS,
  };

  async function said(sources: readonly string[], listenOn = "127.0.0.1"): Promise<string[]> {
    const bindings = [{ ...binding, listenOn, access: { ...OPEN_ACCESS, sources } }];
    const findings = await checkSite({ mappings: [], bindings }, async () => [], INTERFACES);
    return findings.map(({ text }) => text);
  }

  it("that names no loopback leaves it to nobody, which is warned of", async () => {
    expect(await said(["10.0.0.0/8"])).toEqual([
      'the Binding "here" listens on 127.0.0.1, and its access list has no loopback network: nobody can use it. Add "127.0.0.0/8" to sources, or let it listen where these machines reach it.',
    ]);
  });

  it.each([[[]], [["127.0.0.2/32"]], [["10.0.0.0/8", "127.0.0.0/8"]], [["0.0.0.0/0"]]])(
    "of %j is nothing to be warned of",
    async (sources) => {
      expect(await said(sources)).toEqual([]);
    },
  );

  it("says nothing where others reach it", async () => {
    expect(await said(["10.0.0.0/8"], "192.168.0.7")).toEqual([]);
  });
});
