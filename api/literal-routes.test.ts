import { expect, test } from "bun:test"
import { Hono } from "hono"
import { LiteralRoutes } from "./literal-routes.ts"

function appWith(options?: ConstructorParameters<typeof Hono>[0]) {
  const app = new Hono(options)
  app.use(async (c, next) => {
    await next()
    c.header("passed", "all")
  })
  app.use("/people/*", async (c, next) => {
    await next()
    c.header("passed", `${c.res.headers.get("passed") ?? ""} people`)
  })
  app.get("/people", (c) => c.text("list"))
  app.post("/people", async (c) => c.text(`made ${await c.req.text()}`))
  app.get("/people/me", (c) => c.text("me"))
  app.get("/people/:id", (c) => c.text(`one ${c.req.param("id")}`))
  app.get("/files/*", (c) => c.text(`file ${c.req.path}`))
  return app
}

const CALLS = ["GET", "POST", "HEAD", "DELETE", "ODD"].flatMap((method) =>
  ["/people", "/people/", "/people/me", "/people/7", "/people/7/x", "/files/a", "/:id", "/people/:id", "/*", ""].map((path) => ({
    method,
    path,
  })),
)

test("every call is answered as by the framework's own router, the first time and every time after", async () => {
  const [ours, own] = [appWith({ router: new LiteralRoutes() }), appWith()]
  const answer = async (app: Hono, { method, path }: { method: string; path: string }) => {
    const response = await app.request(`http://localhost${path}`, { method })
    return [method, path, response.status, response.headers.get("passed"), await response.text()]
  }
  for (const call of [...CALLS, ...CALLS]) expect(await answer(ours, call)).toEqual(await answer(own, call))
})

test("a route that is added later is found", () => {
  const routes = new LiteralRoutes<string>()
  routes.add("GET", "/a", "first")
  expect(routes.match("GET", "/a")[0]).toHaveLength(1)
  routes.add("ALL", "*", "second")
  expect(routes.match("GET", "/a")[0]).toHaveLength(2)
})
