import { createServer } from "node:net"
import { SetupError } from "./say.ts"

/** Below the range from which systems take the ports of outgoing connections, so that none of those gets there first. */
const PORTS: Range = { first: 20_000, last: 30_000 }
/** Of servers that are away for a while and come back: nobody else who looks for a free port then finds theirs. */
const RETURNING_PORTS: Range = { first: 30_000, last: 32_000 }
const TRIES = 100

type Range = { first: number; last: number }

/** Whether a server could listen there now. */
export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** A port on the loopback interface that nobody listens on. */
export const findFreePort = () => findPortIn(PORTS)

/** The same for a server that may be stopped and started again at its port. */
export const findReturningPort = () => findPortIn(RETURNING_PORTS)

async function findPortIn({ first, last }: Range): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = first + Math.floor(Math.random() * (last - first))
    if ((await isFree(port, "127.0.0.1")) && (await isFree(port, "0.0.0.0"))) return port
  }
  throw new SetupError(`no free port was found between ${first} and ${last}`)
}

/** Refuses a public port that is taken, before anything is started. */
export async function requireFree(port: number, host: string): Promise<void> {
  if (!(await isFree(port, host)))
    throw new SetupError(`port ${port} on ${host} cannot be listened on (taken?): stop what uses it or set PORT to another`)
}
