import { createServer } from "node:net"
import { SetupError } from "./say.ts"

/** Below the range from which systems take the ports of outgoing connections, so that none of those gets there first. */
const FIRST_PORT = 20_000
const LAST_PORT = 32_000
const TRIES = 100

/** Whether a server could listen there now. */
export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** A port on the loopback interface that nobody listens on. */
export async function findFreePort(): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
    if ((await isFree(port, "127.0.0.1")) && (await isFree(port, "0.0.0.0"))) return port
  }
  throw new SetupError(`no free port was found between ${FIRST_PORT} and ${LAST_PORT}`)
}

/** Refuses a public port that is taken, before anything is started. */
export async function requireFree(port: number, host: string): Promise<void> {
  if (!(await isFree(port, host)))
    throw new SetupError(`port ${port} on ${host} cannot be listened on (taken?): stop what uses it or set PORT to another`)
}
