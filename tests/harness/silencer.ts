/** Stands between a process and Postgres, and can fall silent like a network that is gone: nothing is closed, and nothing arrives. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

export type Silencer = AsyncDisposable & {
  url: string
  /** Connections that are open are silent from now on; later ones are not. */
  silence: () => void
}

export async function openSilencer(databaseUrl: string): Promise<Silencer> {
  const target = new URL(databaseUrl)
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from)
      from.on("data", (bytes) => to.write(bytes))
      from.on("error", () => {})
      from.on("close", () => {
        open.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = Object.assign(new URL(target), { host: `127.0.0.1:${(server.address() as AddressInfo).port}` }).href
  return {
    url,
    silence: () => {
      for (const socket of open) socket.removeAllListeners("data").removeAllListeners("close").resume()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
