/** The house rules that the text of a file shows. Biome checks who imports whom; the rest stands here. */
import { Glob } from "bun"

export type SourceFile = { path: string; text: string }

type Rule = {
  name: string
  /** Which files it holds for; tests and scripts are free unless named. */
  appliesTo: (path: string) => boolean
  pattern: RegExp
}

/** Tests, and what stands beside them for them alone. */
const isTest = (path: string) => path.endsWith(".test.ts") || path.startsWith("tests/") || fileName(path).startsWith("test-")
const isProduct = (path: string) => /^(core|api|worker|realtime)\//.test(path) && !isTest(path)
const fileName = (path: string) => path.slice(path.lastIndexOf("/") + 1)

/** Statements as they begin; the words alone also begin English sentences. */
const STATEMENT =
  "(?:select\\s+(?!a\\b|the\\b|one\\b)|insert\\s+into\\s|update\\s+\\w+\\s+(?:\\w+\\s+)?set\\s|delete\\s+from\\s|with\\s+\\w+(?:\\s*\\(.*\\))?\\s+as\\s|create\\s+(?:table|index|database)\\s|alter\\s+table\\s|truncate\\s|copy\\s+\\w+\\s|listen\\s|notify\\s)"

export const RULES: Rule[] = [
  {
    name: "SQL stands in sql/*.sql and in files named queries.ts",
    // Running a migration's text is what core/migrations is for.
    appliesTo: (path) => isProduct(path) && fileName(path) !== "queries.ts" && path !== "core/migrations/migrate.ts",
    pattern: new RegExp(`[\`"']\\s*${STATEMENT}|\\.unsafe\\(`, "i"),
  },
  {
    name: "the environment is read in config.ts and main.ts only",
    appliesTo: (path) => isProduct(path) && !["config.ts", "main.ts"].includes(fileName(path)),
    pattern: /\b(?:process|Bun|import\.meta)\.env\b/,
  },
  {
    name: "no test is skipped, left to do or run alone",
    appliesTo: isTest,
    pattern: /\b(?:test|it|describe)\.(?:only|skip|todo|if|skipIf|todoIf|failing)\b/,
  },
  { name: "the type checker is not silenced", appliesTo: () => true, pattern: /@ts-(?:ignore|nocheck|expect-error)/ },
  { name: "no TODO is left behind", appliesTo: () => true, pattern: /\b(?:TODO|FIXME|XXX)\b/ },
]

/** One line for each breach: where, and which rule. */
export function findBreaches(files: SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    RULES.filter((rule) => rule.appliesTo(path)).flatMap((rule) => {
      const found = rule.pattern.exec(text)
      return found ? [`${path}:${text.slice(0, found.index).split("\n").length} ${rule.name}`] : []
    }),
  )
}

/** What speaks of the rules must be able to name what they forbid. */
const EXEMPT = new Set(["scripts/checks/house-rules.ts", "scripts/checks/house-rules.test.ts"])

export async function readSources(root: string): Promise<SourceFile[]> {
  const paths = await Array.fromAsync(new Glob("{core,api,worker,realtime,scripts,tests}/**/*.ts").scan({ cwd: root }))
  const named = paths.filter((path) => !EXEMPT.has(path) && !path.includes("node_modules")).sort()
  return Promise.all(named.map(async (path) => ({ path, text: await Bun.file(`${root}/${path}`).text() })))
}
