import { expect, test } from "bun:test"
import { join } from "node:path"
import { createVerifier } from "../core/auth/firebase.ts"

const ROOT = join(import.meta.dir, "..")
const HOUR_MS = 3_600_000

async function run(args: string[], environment: Record<string, string> = {}) {
  const child = Bun.spawn(["bun", "run", "token", ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return {
    stdout,
    code,
    complaint: stderr.split("\n").filter((line) => line && !line.startsWith("$ ") && !line.startsWith("error: script")),
  }
}

test.concurrent.each(["doctor", "patient", "receptionist"])(
  "a %s's token alone is on stdout, and signs in the demo person for 12 hours",
  async (role) => {
    const { stdout, code } = await run(["--role", role])
    expect(code).toBe(0)
    expect(stdout.split("\n")).toEqual([expect.stringMatching(/^[\w-]+\.[\w-]+\.$/), ""])
    const identity = await createVerifier({ projectId: "demo-pulsecal", devTokens: true }).verify(stdout.trim())
    expect(identity.uid).toBe(`demo-${role}`)
    expect(Math.abs(identity.expiresAt * 1000 - Date.now() - 12 * HOUR_MS)).toBeLessThan(60_000)
  },
)

test.concurrent("a token is made for any person, project and time that is asked for", async () => {
  const { stdout } = await run(["--uid", "zoë 7", "--hours", "2"], { FIREBASE_PROJECT_ID: "demo-other" })
  const identity = await createVerifier({ projectId: "demo-other", devTokens: true }).verify(stdout.trim())
  expect(identity.uid).toBe("zoë 7")
  expect(Math.abs(identity.expiresAt * 1000 - Date.now() - 2 * HOUR_MS)).toBeLessThan(60_000)
})

const BAD: [string, string[], Record<string, string>, string][] = [
  ["no role", [], {}, "--role"],
  ["an unknown role", ["--role", "admin"], {}, "--role"],
  ["a role that objects know", ["--role", "constructor"], {}, "--role"],
  ["an empty uid", ["--role", "doctor", "--uid", ""], {}, "--uid"],
  ["a uid that is too long", ["--role", "doctor", "--uid", "u".repeat(129)], {}, "--uid"],
  ["no hours at all", ["--role", "doctor", "--hours", "0"], {}, "--hours"],
  ["hours that are no number", ["--role", "doctor", "--hours", "two"], {}, "--hours"],
  ["an unknown option", ["--role", "doctor", "--days", "2"], {}, "--days"],
  ["a malformed project", ["--role", "doctor"], { FIREBASE_PROJECT_ID: "My Project" }, "FIREBASE_PROJECT_ID"],
  ["production", ["--role", "doctor"], { NODE_ENV: "production" }, "NODE_ENV"],
]

test.concurrent.each(BAD)("with %s no token is made: one sentence on stderr and exit code 2", async (_, args, environment, named) => {
  const { stdout, code, complaint } = await run(args, environment)
  expect([stdout, code]).toEqual(["", 2])
  expect(complaint).toEqual([expect.stringContaining(named)])
})
