/** The API's description: as a document, and as pages to browse that ask nobody else for anything. */
import { Hono } from "hono"
import { z } from "zod"
import { notFound } from "../core/errors.ts"
import { version } from "../package.json"
import { operation } from "./description/describe.ts"
import type { OpenApi } from "./description/openapi.ts"
import type { Env } from "./env.ts"

/** Files change with a release only. */
const CACHE_CONTROL = "public, max-age=3600"
/** Scripts are ours alone and in files; the page's own styles are set by its script. */
const CONTENT_SECURITY_POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PulseCal API ${version}</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`
const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, persistAuthorization: false, validatorUrl: null })\n`

const FROM_PACKAGE = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"] as const
const File = z.enum([...FROM_PACKAGE, "start.js"])

/** `describe` makes the document, once, when it is first asked for: by then every route is there. */
export function docs(describe: () => OpenApi) {
  let document: string | undefined
  return new Hono<Env>()
    .get(
      "/openapi.json",
      operation({
        id: "describeApi",
        tag: "Operations",
        summary: "This document",
        answers: { 200: { schema: z.looseObject({ openapi: z.string() }).meta({ id: "OpenApi", examples: [{ openapi: "3.1.0" }] }) } },
      }),
      (c) => {
        document ??= JSON.stringify(describe())
        return c.body(document, 200, { "content-type": "application/json", "cache-control": CACHE_CONTROL })
      },
    )
    .get(
      "/docs",
      operation({
        id: "browseApi",
        tag: "Operations",
        summary: "This document as pages to browse and try",
        answers: { 200: { mediaType: "text/html", description: "A page." } },
      }),
      (c) => c.html(PAGE, 200, { "content-security-policy": CONTENT_SECURITY_POLICY }),
    )
    .get(
      "/docs/:file",
      operation({
        id: "readDocsFile",
        tag: "Operations",
        summary: "What the pages are made of",
        answers: { 200: { mediaType: "*/*", description: "A file." } },
        path: { file: File.meta({ example: "start.js" }) },
      }),
      async (c) => {
        const file = File.safeParse(c.req.param("file"))
        if (!file.success) throw notFound("file")
        const headers = { "cache-control": CACHE_CONTROL }
        if (file.data === "start.js") return c.body(START, 200, { ...headers, "content-type": "text/javascript;charset=utf-8" })
        // Bun knows the type by the name.
        const stored = Bun.file(Bun.resolveSync(`swagger-ui-dist/${file.data}`, import.meta.dir))
        return c.body(await stored.bytes(), 200, { ...headers, "content-type": stored.type })
      },
    )
}
