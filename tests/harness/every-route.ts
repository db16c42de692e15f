/** A call of every route and way to use it, by somebody who may, with what it is answered when nothing is wrong. */
import { CALLS } from "../authorization/calls.ts"
import { MATRIX } from "../authorization/rows.ts"
import { type Answer, fetchDescribed } from "./api.ts"
import type { Cast, RoleName } from "./cast.ts"

export type RouteCall = { name: string; status: number; send: () => Promise<Pick<Answer, "status" | "headers">> }

/** By whom: the first who succeeds. Where nobody can, whoever is refused for what they ask and not for who they are. */
function allowed(line: string, roles: RoleName[]): { name: string; role: RoleName; status: number } {
  const [, name = "", cells = ""] = /^(\S+ \S+(?: \(.*?\))?)\s+(\d{3}.*)$/.exec(line) ?? []
  const statuses = cells.split(/\s+/).map((cell) => Number.parseInt(cell, 10))
  const succeeds = statuses.findIndex((status) => status < 300)
  const at = succeeds >= 0 ? succeeds : statuses.indexOf(Math.max(...statuses))
  return { name, role: roles[at] as RoleName, status: statuses[at] as number }
}

/** What each call is about is made as it is asked for, one after the other. */
export async function* everyRoute(cast: Cast): AsyncGenerator<RouteCall> {
  const [head = "", ...lines] = MATRIX.trim().split("\n")
  const roles = head.trim().split(/\s+/).slice(1) as RoleName[]
  for (const line of lines.filter((text) => text.trim() !== "")) {
    const { name, role, status } = allowed(line, roles)
    const { path, body } = await (CALLS[name] as NonNullable<(typeof CALLS)[string]>)(cast, role)
    const headers: Record<string, string> = { authorization: `Bearer ${cast.of(role).token}` }
    if (body !== undefined) headers["content-type"] = "application/json"
    const init = { method: name.split(" ")[0], headers, body: body === undefined ? undefined : JSON.stringify(body), keepalive: false }
    yield { name, status, send: () => fetchDescribed(`${cast.api.url}${path}`, init) }
  }
}

/** Of the rows that `everyRoute` calls, those that are no route of the server that describes itself there, and the other way round. */
export async function routesWithoutCall(url: string): Promise<string[]> {
  const { paths } = (await (await fetch(`${url}/openapi.json`, { keepalive: false })).json()) as { paths: Record<string, object> }
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`),
  )
  const called = Object.keys(CALLS).map((name) => name.replace(/ \(.*/, ""))
  return [...new Set(routes).symmetricDifference(new Set(called))]
}
