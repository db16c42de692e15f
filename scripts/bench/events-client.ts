import { io, type Socket } from "socket.io-client"
import { until } from "../../tests/harness/services.ts"

/** Resolves when it is connected, and has joined its rooms. */
export async function connect(url: string, token: string, heard: (appointmentId: string) => void): Promise<Socket> {
  const socket = io(`${url}/notifications`, { auth: { token }, transports: ["websocket"], forceNew: true, reconnectionDelay: 100 })
  socket.on("appointment:new", ({ appointmentId }) => heard(appointmentId))
  let ready = false
  socket.on("stream:ready", () => {
    ready = true
  })
  await until("the socket is ready", () => ready, 15_000)
  return socket
}
