import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { freePort, testDatabase, until } from "../tests/harness/services.ts"
import { type TlsPostgres, tlsPostgres } from "../tests/harness/tls-postgres.ts"
import { isUnavailable, openPool } from "./db.ts"

let server: TlsPostgres
beforeAll(async () => {
  server = await tlsPostgres()
  await until(
    "it speaks TLS and nothing else",
    async () => (await sessionOf("disable")).startsWith("28000") && (await sessionOf("require")) === TLS,
  )
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

const TLS = "TLSv1.3"

/** The version of TLS that the session has, or the code of the error that kept it from being. */
async function sessionOf(sslmode?: string, host = "localhost"): Promise<string> {
  const pool = openPool(server.url(host, sslmode), { max: 1, name: "tls" })
  try {
    const [row] = await pool<{ version: string | null }[]>`select version from pg_stat_ssl where pid = pg_backend_pid()`
    return row?.version ?? "plain"
  } catch (error) {
    return String((error as { code?: string }).code)
  } finally {
    await pool.end({ timeout: 1 })
  }
}

/** As {@link sessionOf}, in a process that trusts the server's certificate, as NODE_EXTRA_CA_CERTS says. */
async function trustingSessionOf(sslmode: string, host: string): Promise<string> {
  const script = `
    import { openPool } from "${join(import.meta.dir, "db.ts")}"
    const pool = openPool(process.env.DATABASE_URL, { max: 1, name: "tls" })
    const session = pool\`select version from pg_stat_ssl where pid = pg_backend_pid()\`
    console.log(await session.then(([row]) => row.version, (error) => error.code))
    await pool.end({ timeout: 1 })`
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { PATH: process.env.PATH ?? "", DATABASE_URL: server.url(host, sslmode), NODE_EXTRA_CA_CERTS: server.certificateFile },
    stdio: ["ignore", "pipe", "inherit"],
  })
  return (await child.stdout.text()).trim()
}

test("without sslmode, and with disable, nothing is encrypted: a server that asks for it refuses", async () => {
  for (const mode of [undefined, "disable"]) expect([mode, await sessionOf(mode)]).toEqual([mode, "28000"])
})

test("require encrypts and trusts any certificate", async () => {
  for (const host of ["localhost", "127.0.0.1"]) expect([host, await sessionOf("require", host)]).toEqual([host, TLS])
})

test("verify-full takes a certificate that is trusted and names the host, and no other", async () => {
  expect(await sessionOf("verify-full")).toBe("DEPTH_ZERO_SELF_SIGNED_CERT")
  expect(await trustingSessionOf("verify-full", "localhost")).toBe(TLS)
  expect(await trustingSessionOf("verify-full", "127.0.0.1")).toBe("ERR_TLS_CERT_ALTNAME_INVALID")
})

test("what is longer than any buffer goes both ways", async () => {
  const pool = openPool(server.url("localhost", "require"), { max: 2, name: "tls" })
  const long = Bun.randomUUIDv7().repeat(200_000)
  const answers = await Promise.all([1, 2, 3].map(() => pool<{ back: string }[]>`select ${long}::text || ${long}::text as back`))
  for (const [row] of answers) expect(row?.back === long + long).toBe(true)
  await pool.end({ timeout: 1 })
}, 20_000)

test("a server without TLS is refused by require, and taken by prefer; one that is not there is told at once", async () => {
  await using plain = await testDatabase()
  const outcomeOf = async (url: string) => {
    const pool = openPool(url, { max: 1, name: "tls" })
    const outcome = await pool`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.then(
      ([row]) => row?.ssl,
      (error) => error.code ?? error.message,
    )
    await pool.end({ timeout: 1 })
    return outcome
  }
  expect(await outcomeOf(`${plain.url}?sslmode=prefer`)).toBe(false)
  expect(await outcomeOf(`${plain.url}?sslmode=require`)).toContain("does not speak TLS")
  expect(await outcomeOf(`postgres://nobody@127.0.0.1:${await freePort()}/none?sslmode=require`)).toBe("ECONNREFUSED")
})

test("over TLS too, a connection that the server cuts at any moment answers every query and is made again", async () => {
  const pool = openPool(server.url("localhost", "require"), { max: 1, name: "tls-broken" })
  const admin = openPool(server.url("localhost", "require"), { max: 1, name: "tls-admin" })
  const cut = () => admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pulsecal-tls-broken'`
  await admin`select 1`
  const outcomes = { answered: 0, refused: 0 }
  const ask = async () => {
    try {
      await pool`select pg_sleep(0.0005)`
      outcomes.answered++
    } catch (error) {
      expect([(error as Error).message, isUnavailable(error)]).toEqual([(error as Error).message, true])
      outcomes.refused++
      await pool`select 1`.catch((again) => expect(isUnavailable(again)).toBe(true))
    }
  }
  for (let round = 0; round < 25; round++) {
    const cutting = Bun.sleep(Math.random() * 4).then(cut)
    await Promise.all([ask(), ask(), ask(), ask(), cutting])
  }
  for (let round = 0; round < 25; round++) {
    await ask()
    await Promise.all([cut().then(ask), Bun.sleep(round / 20).then(ask), Bun.sleep(round / 20).then(ask)])
  }
  expect(outcomes.answered + outcomes.refused).toBe(200)
  expect(outcomes.refused).toBeGreaterThan(0)
  expect(await pool`select 1 as one`).toEqual([{ one: 1 }] as never)
  for (const each of [pool, admin]) await each.end({ timeout: 1 })
}, 30_000)
