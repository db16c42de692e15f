import { describe, expect, test } from "bun:test"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Spec, Validation } from "@cyclonedx/cyclonedx-library"
import { billOfMaterials, CHECKS } from "../checks/checks.ts"
import { ADVISORIES, ask, checkAdvisories, judge } from "./advisories.ts"
import { billOf, readBill } from "./bill.ts"

const ROOT = join(import.meta.dir, "..", "..")

describe("the bill of materials", () => {
  test("is CycloneDX 1.6, by the standard's own strict schema", async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
    const text = JSON.stringify(await readBill())
    expect(await validator.validate(text)).toBeNull()
    expect(await validator.validate(text.replace('"library"', '"novel"'))).not.toBeNull()
  })

  test("has every package that is locked, with its version, its hash, and what it needs", async () => {
    const { components, dependencies } = await readBill()
    const locked = [...(await readFile(join(ROOT, "bun.lock"), "utf8")).matchAll(/^ {4}"[^"]+": \["([^"]+)",.*"sha512-([^"]+)"\]/gm)]
    expect(components.length).toBeGreaterThan(100)
    expect(components.map((c) => `${c.group ? `${c.group}/` : ""}${c.name}@${c.version}`)).toEqual(locked.map((m) => m[1] as string))
    expect(components.map((c) => Buffer.from(c.hashes[0]?.content ?? "", "hex").toString("base64"))).toEqual(
      locked.map((m) => m[2] as string),
    )
    const needs = (ref: string) => dependencies.find((d) => d.ref === ref)?.dependsOn
    expect(needs("socket.io")).toContain("socket.io-adapter")
    for (const { version } of components) expect(version).toMatch(/^\d+\.\d+\.\d+/)
  })

  test("tells what runs from what only builds and tests, and finds what lies below another package first", async () => {
    const { components } = await readBill()
    const scope = (name: string) => components.find((c) => c["bom-ref"] === name)?.scope
    expect([scope("hono"), scope("ioredis"), scope("@biomejs/biome"), scope("fast-check")]).toEqual([
      "required",
      "required",
      "excluded",
      "excluded",
    ])
    const lock = JSON.stringify({
      workspaces: { "": { name: "x", dependencies: { a: "1.0.0" } } },
      packages: {
        a: ["a@1.0.0", "", { dependencies: { "@s/b": "2" } }, "sha512-AA=="],
        "@s/b": ["@s/b@1.0.0", "", {}, "sha512-AA=="],
        "a/@s/b": ["@s/b@2.0.0", "", { dependencies: { c: "1" } }, "sha512-AA=="],
        c: ["c@1.0.0", "", {}, "sha512-AA=="],
      },
    })
    const bill = billOf(lock, "1.0.0")
    expect(bill.dependencies).toEqual([
      { ref: "x@1.0.0", dependsOn: ["a"] },
      { ref: "a", dependsOn: ["a/@s/b"] },
      { ref: "@s/b", dependsOn: [] },
      { ref: "a/@s/b", dependsOn: ["c"] },
      { ref: "c", dependsOn: [] },
    ])
    expect(bill.components.map((c) => c.scope)).toEqual(["required", "excluded", "required", "required"])
    expect(billOf(lock, "1.0.0")).toEqual(bill)
    expect(() => billOf(lock.replace("c@1.0.0", "c@github:x/c"), "1.0.0")).toThrow("c is no package of a registry")
  })
})

describe("the check for known vulnerabilities", () => {
  test("fails for what is found, says so where nobody can be asked, and passes for neither silently", async () => {
    expect(judge("No vulnerabilities found", 0)).toMatchObject({ passed: true, name: ADVISORIES })
    expect(
      judge("lodash <4.17.21\n  high: Command Injection - https://github.com/advisories/GHSA-35jh\n1 vulnerability (1 high)", 1),
    ).toMatchObject({
      passed: false,
    })
    const away = judge("bun audit v1\n\nerror: POST https://registry.example/-/npm/v1/security/advisories/bulk - 405", 1)
    expect(away).toMatchObject({ passed: true })
    expect(away.name).toContain("NOT ASKED")
    expect(judge("error: lockfile is corrupt", 1).passed).toBe(false)
    expect(judge("", 1).passed).toBe(false)
    expect((await ask(["sh", "-c", "echo '2 vulnerabilities (2 critical)'; exit 1"])).passed).toBe(false)
  })
})

test("neither can vanish: they are among the checks, the checks are a part of the test run, and CI starts that", async () => {
  expect(CHECKS).toContain(billOfMaterials)
  expect(CHECKS).toContain(checkAdvisories)
  expect((await billOfMaterials()).passed).toBe(true)
  const text = (path: string) => readFile(join(ROOT, path), "utf8")
  expect(await text("scripts/test.ts")).toContain("if (filters.length === 0) sum = await countChecks()")
  expect(await text(".ci/run")).toMatch(/^npx --yes bun@\S+ run test /m)
})
