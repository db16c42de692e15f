import { createSocket } from "node:dgram"
import { createServer } from "node:net"
import { SetupError } from "./say.ts"

/** From `first` to below `last`: below those that systems give to outgoing connections, so that none of these gets there first. */
const PORTS = { first: 20_000, last: 32_000 }
const TRIES = 100

/** Whether a server could listen there now. */
export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * A port on the loopback interface that nobody listens on, and that nobody else is given while this process lives: a
 * server takes a moment to listen there, and may be stopped and started again.
 */
export async function findFreePort({ first, last } = PORTS): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = first + Math.floor(Math.random() * (last - first))
    if ((await claim(port)) && (await isFree(port, "127.0.0.1")) && (await isFree(port, "0.0.0.0"))) return port
  }
  throw new SetupError(`no free port was found from ${first} to ${last - 1}`)
}

/** By UDP's port of that number, which no server of ours uses and the system gives back however this process ends. */
function claim(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4").once("error", () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => {
      socket.unref()
      resolve(true)
    })
  })
}

/** Refuses a public port that is taken, before anything is started. */
export async function requireFree(port: number, host: string): Promise<void> {
  if (!(await isFree(port, host)))
    throw new SetupError(`port ${port} on ${host} cannot be listened on (taken?): stop what uses it or set PORT to another`)
}
