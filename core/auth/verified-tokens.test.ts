import { expect, test } from "bun:test"
import { mintDevelopmentToken } from "./development.ts"
import { createVerifier, MAX_CACHE_AGE_MS } from "./firebase.ts"

const PROJECT = "clinic-project"
const START_MS = Date.UTC(2030, 0, 1)

/** A verifier whose clock is set by hand. */
function verifierAt(startMs: number, maxCachedTokens?: number) {
  const clock = { now: startMs }
  const verifier = createVerifier({ projectId: PROJECT, devTokens: true }, { clock: () => clock.now, maxCachedTokens })
  const token = (uid: string, expiresInSeconds: number) => mintDevelopmentToken({ projectId: PROJECT, uid, expiresInSeconds, now: startMs })
  return { clock, verifier, token }
}

test("a verified token is known at once, the same person as when it was verified", async () => {
  const { verifier, token } = verifierAt(START_MS)
  const mine = token("person-1", 3600)
  expect(verifier.cached(mine)).toBeUndefined()
  const identity = await verifier.verify(mine)
  expect(verifier.cached(mine)).toEqual(identity)
  expect(await verifier.verify(mine)).toEqual(identity)
  expect(verifier.cached(token("person-2", 3600))).toBeUndefined()
  expect(verifier.cached(`${mine}x`)).toBeUndefined()
})

test("a remembered token is refused from the second it expires", async () => {
  const { clock, verifier, token } = verifierAt(START_MS)
  const mine = token("person-1", 60)
  await verifier.verify(mine)
  clock.now = START_MS + 59_999
  expect(verifier.cached(mine)?.uid).toBe("person-1")
  clock.now = START_MS + 60_000
  expect(verifier.cached(mine)).toBeUndefined()
  await expect(verifier.verify(mine)).rejects.toMatchObject({ code: "unauthorized", message: expect.stringContaining("expired") })
})

test("a long-lived token is verified anew after five minutes", async () => {
  const { clock, verifier, token } = verifierAt(START_MS)
  const mine = token("person-1", 86_400)
  await verifier.verify(mine)
  clock.now = START_MS + MAX_CACHE_AGE_MS - 1
  expect(verifier.cached(mine)).toBeDefined()
  clock.now = START_MS + MAX_CACHE_AGE_MS
  expect(verifier.cached(mine)).toBeUndefined()
  expect((await verifier.verify(mine)).uid).toBe("person-1")
  expect(verifier.cached(mine)).toBeDefined()
})

test("as many tokens are remembered as the bound says, those in use longest", async () => {
  const { verifier, token } = verifierAt(START_MS, 3)
  const tokens = ["a", "b", "c", "d", "e"].map((uid) => token(uid, 3600))
  const known = () => tokens.map((t) => verifier.cached(t)?.uid)
  for (const t of tokens.slice(0, 3)) await verifier.verify(t)
  verifier.cached(tokens[0] as string)
  for (const t of tokens.slice(3)) await verifier.verify(t)
  expect(known()).toEqual(["a", undefined, undefined, "d", "e"])
})

test("a refused token is not remembered", async () => {
  const { clock, verifier, token } = verifierAt(START_MS)
  const early = mintDevelopmentToken({ projectId: PROJECT, uid: "person-1", expiresInSeconds: 7200, now: START_MS + 3_600_000 })
  await expect(verifier.verify(early)).rejects.toMatchObject({ code: "unauthorized" })
  expect(verifier.cached(early)).toBeUndefined()
  clock.now = START_MS + 3_600_000
  expect((await verifier.verify(early)).uid).toBe("person-1")
  expect((await verifier.verify(token("person-2", 7200))).uid).toBe("person-2")
})
