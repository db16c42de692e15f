/** What every refusal looks like. */
import { expect } from "bun:test"
import type { Answer } from "./api.ts"

export function expectProblem(answer: Answer, status: number, path?: string): void {
  expect(answer.status).toBe(status)
  expect(answer.headers.get("content-type")).toBe("application/problem+json")
  expect(answer.body).toMatchObject({
    type: "about:blank",
    title: expect.any(String),
    status,
    detail: expect.any(String),
    instance: expect.any(String),
  })
  if (path !== undefined) expect(answer.body.errors.map((e: { path: string }) => e.path)).toContain(path)
  expect(JSON.stringify(answer.body)).not.toMatch(/select |insert |postgres|node_modules|at .*\.ts/i)
}
