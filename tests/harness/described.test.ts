import { expect, test } from "bun:test"
import { fetchDescribed } from "./api.ts"

/** Says that it answers 200 alone, once it has started; answers 201. */
function server(descriptionStatus: () => number) {
  let asked = 0
  const paths = { "/things": { get: { responses: { 200: { description: "done" } } } } }
  const described = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      if (!request.url.endsWith("/openapi.json")) return new Response(null, { status: 201 })
      asked++
      return Response.json({ openapi: "3.1.0", paths, components: { schemas: {} } }, { status: descriptionStatus() })
    },
  })
  return { url: `http://127.0.0.1:${described.port}/things`, asked: () => asked, stop: () => described.stop(true) }
}

test("a server that could not describe itself at first is asked again, and from then on held to what it says", async () => {
  let status = 503
  const starting = server(() => status)
  for (let call = 1; call <= 2; call++) {
    expect((await fetchDescribed(starting.url)).status).toBe(201)
    expect(starting.asked()).toBe(call)
  }
  status = 200
  for (let call = 0; call < 3; call++) await expect(fetchDescribed(starting.url)).rejects.toThrow("it may answer 200")
  expect(starting.asked()).toBe(3)
  await starting.stop()
})

test("a server without a description is asked once", async () => {
  const plain = server(() => 404)
  for (let call = 0; call < 3; call++) expect((await fetchDescribed(plain.url)).status).toBe(201)
  expect(plain.asked()).toBe(1)
  await plain.stop()
})
