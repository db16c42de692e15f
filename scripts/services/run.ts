import { spawn } from "node:child_process"

export type Outcome = { code: number | null; output: string }

export type RunOptions = { timeoutMs: number; user?: { uid: number; gid: number }; show?: boolean }

/** Runs a command to its end, or kills it at the timeout. Never throws: a command that cannot start has code null. */
export function run([program = "", ...args]: string[], { timeoutMs, user, show }: RunOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    let output = ""
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], cwd: "/", timeout: timeoutMs, killSignal: "SIGKILL", ...user })
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString()
        if (show) process.stderr.write(chunk)
      })
    child.once("error", (error) => resolve({ code: null, output: error.message }))
    child.once("close", (code) => resolve({ code, output: output.trim() }))
  })
}

/** Where a program is on the PATH. */
export function which(program: string): string | undefined {
  return Bun.which(program) ?? undefined
}
