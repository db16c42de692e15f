/** Google's side of ID tokens, on this machine: a TLS server that hands out signing certificates, and tokens signed with their keys. */
import { Agent, createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { importPKCS8, type JWTPayload, SignJWT } from "jose"
import { generate } from "selfsigned"

const HOST = "www.googleapis.com"

export type SigningKey = { kid: string; certificate: string; sign(claims: JWTPayload, header?: object): Promise<string> }

export async function signingKey(kid: string): Promise<SigningKey> {
  const pair = await generate([{ name: "commonName", value: kid }], { algorithm: "sha256", keySize: 2048 })
  const key = await importPKCS8(pair.private, "RS256")
  return {
    kid,
    certificate: pair.cert,
    sign: (claims, header) => new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid, typ: "JWT", ...header }).sign(key),
  }
}

/** What the server does with a request: answers well, with a status, with something else, not at all, or half. */
export type Mood = "well" | "hang" | "half" | { status: number; body?: string }

export type CertificateServer = AsyncDisposable & {
  /** An agent that finds this server wherever it is sent, and trusts it. */
  agent(): Agent
  mood: Mood
  /** How many requests came. */
  readonly fetches: number
  /** Stops listening, so that connections are refused, or listens again on the same port. */
  down(): Promise<void>
  up(): Promise<void>
}

export async function certificateServer(keys: SigningKey[], maxAgeSeconds = 3_600): Promise<CertificateServer> {
  const own = await generate([{ name: "commonName", value: HOST }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: HOST }] }],
  })
  const certificates = JSON.stringify(Object.fromEntries(keys.map((key) => [key.kid, key.certificate])))
  const state = { mood: "well" as Mood, fetches: 0 }
  const server = createServer({ key: own.private, cert: own.cert }, (_, response) => {
    state.fetches++
    const { mood } = state
    if (mood === "hang") return
    response.setHeader("Content-Type", "application/json")
    if (typeof mood === "object") return response.writeHead(mood.status).end(mood.body ?? certificates)
    response.setHeader("Cache-Control", `public, max-age=${maxAgeSeconds}, must-revalidate, no-transform`)
    if (mood === "well") return response.end(certificates)
    response.setHeader("Content-Length", certificates.length)
    response.write(certificates.slice(0, 100), () => response.destroy())
  })
  let port = 0
  const up = () =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(port, "127.0.0.1", () => {
        port = (server.address() as AddressInfo).port
        resolve()
      })
    })
  const down = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  await up()
  return {
    agent: () => new Agent({ ca: own.cert, host: "127.0.0.1", port, servername: HOST }),
    get mood() {
      return state.mood
    },
    set mood(mood) {
      state.mood = mood
    },
    get fetches() {
      return state.fetches
    },
    down,
    up,
    [Symbol.asyncDispose]: down,
  }
}
