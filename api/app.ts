import { Hono } from "hono"
import { createMiddleware } from "hono/factory"
import { methodNotAllowed } from "hono/method-not-allowed"
import { secureHeaders } from "hono/secure-headers"
import { createClientAddress } from "../core/client-address.ts"
import { version } from "../package.json"
import { admitted } from "./admission.ts"
import { analytics } from "./analytics.ts"
import { appointments } from "./appointments.ts"
import { audit } from "./audit.ts"
import { audited } from "./audited.ts"
import { crossOrigin } from "./cross-origin.ts"
import { answeredInTime } from "./deadline.ts"
import { openApiOf } from "./description/openapi.ts"
import { docs } from "./docs.ts"
import { doctors } from "./doctors.ts"
import type { Deps, Env } from "./env.ts"
import { headLength } from "./head-length.ts"
import { health } from "./health.ts"
import { LiteralRoutes } from "./literal-routes.ts"
import { me } from "./me.ts"
import { notifications } from "./notifications.ts"
import { patients } from "./patients.ts"
import { payments } from "./payments.ts"
import { problem, problemOf } from "./problem.ts"
import { receptionists } from "./receptionists.ts"
import { boundedBody, receivedBody } from "./request-body.ts"
import { requestIdOf } from "./request-id.ts"
import { requestLog } from "./request-log.ts"

/**
 * The API answers other origins (as CORS allows), and it is no document that could be framed or opened. So headers that speak
 * of documents only are left out: those seven were a twentieth of what a search costs.
 */
const SECURE_HEADERS = {
  crossOriginResourcePolicy: "cross-origin",
  xFrameOptions: "DENY",
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  referrerPolicy: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
}

/** Every answer and its line in the log bear one id. */
const withRequestId = createMiddleware<Env>(async (c, next) => {
  const id = requestIdOf(c.req.header("X-Request-Id"))
  c.set("requestId", id)
  c.header("X-Request-Id", id)
  await next()
})

/** The whole REST surface. Its type is what the typed client is made from. */
export function createApp(deps: Deps) {
  const app = new Hono<Env>({ router: new LiteralRoutes() })
  const addressOf = createClientAddress(deps.config.trustedProxies)
  app.use(withRequestId)
  app.use(headLength)
  app.use("/api/v1/*", (c, next) => {
    c.set("address", addressOf(c.env?.requestIP?.(c.req.raw)?.address, c.req.header("x-forwarded-for")))
    return next()
  })
  app.use(requestLog(deps.log, deps.observeRequest))
  app.use(crossOrigin(deps.config.corsOrigins))
  app.use(secureHeaders(SECURE_HEADERS))
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        problem(c, { status: 405, detail: `Use ${methods.join(", ")}.`, headers: { allow: methods.join(", ") } }),
    }),
  )
  app.use(boundedBody)
  // A body may take as long as its client needs; what is done with it may not.
  app.use("/api/v1/*", receivedBody(deps.admission, deps.guards.identify))
  app.use("/api/v1/*", admitted(deps.admission))
  app.use("/api/v1/*", answeredInTime)
  app.use("/api/v1/*", audited(deps.recorder, deps.unheard))
  app.use("/api/v1/*", async (c, next) => {
    await next()
    if (c.req.method !== "GET" && c.res.ok) deps.published()
  })
  app.notFound((c) => problem(c, { status: 404, detail: "There is nothing at this path." }))
  app.onError((error, c) => problemOf(error, c, deps.log))

  return app
    .route("/", health(deps))
    .route(
      "/",
      docs(() => openApiOf(app.routes, version)),
    )
    .route("/api/v1/me", me(deps))
    .route("/api/v1/patients", patients(deps))
    .route("/api/v1/doctors/analytics", analytics(deps))
    .route("/api/v1/doctors", doctors(deps))
    .route("/api/v1/appointments", appointments(deps))
    .route("/api/v1/payments", payments(deps))
    .route("/api/v1/receptionists", receptionists(deps))
    .route("/api/v1/notifications", notifications(deps))
    .route("/api/v1/audit", audit(deps))
}

export type App = ReturnType<typeof createApp>
