/**
 * Against the real Auth emulator of firebase-tools. `bun run test:emulator` downloads it (240 MB, once, into npm's cache), which is why
 * this is no part of the default test run.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { decodeJwt, decodeProtectedHeader } from "jose"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import { createVerifier } from "../../core/auth/firebase.ts"
import { freePort, until } from "../harness/services.ts"

const FIREBASE_TOOLS = "firebase-tools@15.34.2"
const PROJECT = "demo-pulsecal"
/** A download over a slow line; a warm start takes 4 to 6 s. */
const START_TIMEOUT_MS = 300_000
const STOP_TIMEOUT_MS = 10_000

type SignUp = { idToken: string; localId: string }

let host: string
let folder: string
let emulator: Bun.Subprocess

beforeAll(async () => {
  const [port, hub, logging] = [await freePort(), await freePort(), await freePort()]
  host = `127.0.0.1:${port}`
  folder = await mkdtemp(join(tmpdir(), "pulsecal-emulator-"))
  const at = (p: number | undefined) => ({ host: "127.0.0.1", port: p })
  const emulators = { auth: at(port), hub: at(hub), logging: at(logging), ui: { enabled: false }, singleProjectMode: false }
  await writeFile(join(folder, "firebase.json"), JSON.stringify({ emulators }))
  emulator = startEmulator()
  await until("the Auth emulator answers", () => answers() || failed(), START_TIMEOUT_MS)
}, START_TIMEOUT_MS)

afterAll(async () => {
  // npx starts the tools in a process of its own: the whole group is told to stop.
  process.kill(-emulator.pid, "SIGINT")
  const stopped = await Promise.race([emulator.exited.then(() => true), Bun.sleep(STOP_TIMEOUT_MS)])
  if (!stopped) process.kill(-emulator.pid, "SIGKILL")
  await rm(folder, { recursive: true, force: true })
}, 2 * STOP_TIMEOUT_MS)

function startEmulator(): Bun.Subprocess {
  return Bun.spawn(["npx", "--yes", FIREBASE_TOOLS, "emulators:start", "--only", "auth", "--project", PROJECT], {
    cwd: folder,
    detached: true,
    stdout: Bun.file(join(folder, "emulator.out")),
    stderr: Bun.file(join(folder, "emulator.err")),
  })
}

async function answers(): Promise<boolean> {
  return await fetch(`http://${host}/`).then(
    (answer) => answer.ok,
    () => false,
  )
}

async function failed(): Promise<boolean> {
  if (emulator.exitCode === null) return false
  throw new Error(`the emulator ended with ${emulator.exitCode}: ${await Bun.file(join(folder, "emulator.err")).text()}`)
}

async function call<T>(method: string, body: object): Promise<T> {
  const answer = await fetch(`http://${host}/identitytoolkit.googleapis.com/v1/accounts:${method}?key=any`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ returnSecureToken: true, ...body }),
  })
  if (!answer.ok) throw new Error(`${method}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

const signUp = () => call<SignUp>("signUp", { email: `${Bun.randomUUIDv7()}@clinic.test`, password: "a-long-password" })

const asking = (projectId = PROJECT) => createVerifier({ projectId, emulatorHost: host, devTokens: false })
const unasked = (projectId = PROJECT) => createVerifier({ projectId, devTokens: true })
const unauthorized = { name: "Refusal", code: "unauthorized" }

test("a person who signs up at the emulator is that person here, with the emulator asked and without", async () => {
  const { idToken, localId } = await signUp()
  for (const verifier of [asking(), unasked()]) {
    const { uid, expiresAt } = await verifier.verify(idToken)
    expect(uid).toBe(localId)
    expect(Math.abs(expiresAt - Date.now() / 1000 - 3_600)).toBeLessThan(60)
  }
})

test("the emulator's token is refused by another project, with the emulator asked and without", async () => {
  const { idToken } = await signUp()
  for (const verifier of [asking("demo-other"), unasked("demo-other")])
    await expect(verifier.verify(idToken)).rejects.toMatchObject(unauthorized)
})

test("a person whom the emulator does not know, or knows no more, is refused when it is asked", async () => {
  const stranger = mintDevelopmentToken({ projectId: PROJECT, uid: "stranger", expiresInSeconds: 600 })
  await expect(asking().verify(stranger)).rejects.toMatchObject(unauthorized)
  const { idToken } = await signUp()
  await call("delete", { idToken })
  await expect(asking().verify(idToken)).rejects.toMatchObject(unauthorized)
})

test("a token of our making is what the emulator makes of a custom sign-in, to the letter", async () => {
  const { idToken } = await call<SignUp>("signInWithCustomToken", { token: JSON.stringify({ uid: "zoë" }) })
  const { iat, exp } = decodeJwt(idToken)
  const ours = mintDevelopmentToken({ projectId: PROJECT, uid: "zoë", expiresInSeconds: 3_600, now: (iat as number) * 1000 })
  expect(decodeProtectedHeader(ours)).toEqual(decodeProtectedHeader(idToken))
  expect(decodeJwt(ours)).toEqual(decodeJwt(idToken))
  expect(exp).toBe((iat as number) + 3_600)
  expect((await asking().verify(ours)).uid).toBe("zoë")
})
