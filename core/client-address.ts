/** Where a request comes from, as this deployment knows it. */
import { BlockList, isIP } from "node:net"

/** A request passes no more proxies than this; a longer list is somebody's invention. */
const HOPS_MAX = 10

/** Of the address that the connection comes from, and of the header X-Forwarded-For. Null where nobody knows. */
export type ClientAddress = (peer: string | undefined, forwardedFor: string | null | undefined) => string | null

/**
 * `proxies`: addresses and networks (CIDR) whose X-Forwarded-For is believed: from the right, each address that is one of them has written
 * down the one before it; whatever stands further left anybody may have sent.
 */
export function createClientAddress(proxies: string[]): ClientAddress {
  const trusted = new BlockList()
  for (const proxy of proxies) {
    const [address = "", bits] = proxy.split("/")
    const family = isIP(address) === 6 ? "ipv6" : "ipv4"
    if (bits === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(bits), family)
  }
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")
  return (connected, forwardedFor) => {
    const peer = plain(connected)
    if (peer === null || proxies.length === 0 || !isTrusted(peer)) return peer
    let client = peer
    const hops = (forwardedFor ?? "").split(",").slice(-HOPS_MAX).reverse()
    for (const hop of hops) {
      const address = plain(hop.trim())
      if (address === null) return client
      client = address
      if (!isTrusted(address)) return client
    }
    return client
  }
}

/** An address as such; IPv4 that came through an IPv6 socket as IPv4. */
function plain(address: string | undefined): string | null {
  const bare = address?.replace(/^::ffff:(?=\d+\.)/i, "") ?? ""
  return isIP(bare) > 0 ? bare : null
}
