/** The kinds of settings that the environment has, as zod schemas. */
import { isIP } from "node:net"
import { z } from "zod"

/** Digits only: to a plain number conversion a blank is 0 and "0x10" is 16. */
export function whole(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .pipe(z.number().min(min, message).max(max, message))
}

export const port = whole(0, 65_535)
/** `start` and `dev` give the two ports above it to two of their three processes. */
export const metricsPort = whole(0, 65_533)
export const host = z.string().regex(/^[^\s/]+$/, "must be the name or address of a host")
/** An unset variable and an empty one mean the same: the default. */
export const flag = z.enum(["0", "1", "true", "false"]).transform((v) => v === "1" || v === "true")

export function originList(value: string, ctx: z.RefinementCtx): string[] {
  const origins = value
    .split(",")
    .map((o) => o.trim())
    .filter(Boolean)
  for (const [index, origin] of origins.entries()) {
    if (origin === "*") continue
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      ctx.addIssue({ code: "custom", message: `entry ${index + 1} is not an origin such as https://example.com` })
  }
  return origins
}

/** Addresses and networks, separated by commas. */
export function networkList(value: string, ctx: z.RefinementCtx): string[] {
  const networks = value
    .split(",")
    .map((n) => n.trim())
    .filter(Boolean)
  for (const [index, network] of networks.entries()) {
    const [address = "", bits, ...rest] = network.split("/")
    const width = isIP(address) === 6 ? 128 : isIP(address) === 4 ? 32 : -1
    const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width)
    if (width < 0 || !fits || rest.length > 0)
      ctx.addIssue({ code: "custom", message: `entry ${index + 1} is not an address or a network such as 10.0.0.0/8` })
  }
  return networks
}

export function urlWith(...protocols: string[]) {
  return z
    .string()
    .refine(
      (v) => URL.canParse(v) && protocols.some((p) => v.startsWith(`${p}//`)),
      `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(" or ")}`,
    )
}
