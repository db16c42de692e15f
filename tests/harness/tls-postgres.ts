/** A PostgreSQL that speaks TLS, and nothing else to anybody who comes over the network. */
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import postgres from "postgres"
import { generate } from "selfsigned"
import { findPostgres } from "../../scripts/services/postgres-binaries.ts"
import { startTemporaryPostgres } from "../../scripts/services/temporary.ts"

export type TlsPostgres = AsyncDisposable & {
  /** With this host, and `sslmode=…` if one is given. */
  url: (host: string, sslmode?: string) => string
  /** The certificate, which vouches for `localhost` and for itself; in a file too, for NODE_EXTRA_CA_CERTS. */
  certificateFile: string
}

const silent = () => {}

export async function tlsPostgres(): Promise<TlsPostgres> {
  const server = await startTemporaryPostgres({ say: silent })
  const { user } = await findPostgres(silent)
  const folder = await mkdtemp(join(tmpdir(), "pulsecal-tls-"))
  const own = await generate([{ name: "commonName", value: "localhost" }], {
    algorithm: "sha256",
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
    ],
  })
  const files = { certificate: join(folder, "server.crt"), key: join(folder, "server.key") }
  await writeFile(files.certificate, own.cert, { mode: 0o644 })
  await writeFile(files.key, own.private, { mode: 0o600 })
  if (user) for (const path of [folder, files.certificate, files.key]) await chown(path, user.uid, user.gid)
  const admin = postgres(server.adminUrl, { max: 1, onnotice: silent })
  for (const setting of [`ssl_cert_file = '${files.certificate}'`, `ssl_key_file = '${files.key}'`, "ssl = on"])
    await admin.unsafe(`alter system set ${setting}`)
  const [row] = await admin<{ file: string }[]>`select current_setting('hba_file') as file`
  await writeFile(row?.file as string, "hostssl all all all scram-sha-256\n", { mode: 0o600 })
  if (user) await chown(row?.file as string, user.uid, user.gid)
  await admin`select pg_reload_conf()`
  await admin.end()
  return {
    certificateFile: files.certificate,
    url: (host, sslmode) => {
      const url = Object.assign(new URL(server.adminUrl), { hostname: host })
      if (sslmode) url.searchParams.set("sslmode", sslmode)
      return url.href
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(dirname(files.key), { recursive: true, force: true })
    },
  }
}
