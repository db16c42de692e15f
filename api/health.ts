import { Hono } from "hono"
import { Liveness, Readiness } from "../core/health.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"

export const health = ({ health }: Pick<Deps, "health">) =>
  new Hono<Env>()
    .get(
      "/health",
      operation({
        id: "checkLiveness",
        tag: "Operations",
        summary: "Whether the process answers",
        description: "Touches no dependency.",
        answers: { 200: { schema: Liveness, description: "It does." } },
      }),
      (c) => c.json(health.live()),
    )
    .get(
      "/health/ready",
      operation({
        id: "checkReadiness",
        tag: "Operations",
        summary: "Whether the process may get traffic",
        answers: {
          200: { schema: Readiness, description: "It may." },
          503: { schema: Readiness, description: "It starts, drains or is cut off." },
        },
      }),
      async (c) => {
        const readiness = await health.ready()
        return c.json(readiness, readiness.status === "ok" ? 200 : 503)
      },
    )
