/** The headers that every answer has, taken from answers of the app itself, so that they cannot become others. */

/** What is sent to the app to see what it answers: cheap, and nobody's business. */
const PROBE_URL = "http://localhost/health"

export type HeaderTemplates = {
  /** To be set where they are one answer's own, and copied at once. Undefined while they are not known yet. */
  of(origin: string | null): Headers | undefined
}

/**
 * Asks the app as each allowed origin would, and as anyone else. `changing` are set on every answer, so they come first: a header is looked for
 * from the beginning. `constant` are the same on all.
 */
export function learnTemplates(
  fetch: (request: Request) => Response | Promise<Response>,
  origins: readonly string[],
  own: { changing: readonly string[]; constant: Readonly<Record<string, string>> },
): HeaderTemplates {
  let anyone: Headers | undefined
  const allowed = new Map<string, Headers>()
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(new Request(PROBE_URL, { headers }))
    const template = new Headers(own.changing.map((name) => [name, ""]))
    for (const [name, value] of answer.headers) template.set(name, value)
    for (const [name, value] of Object.entries(own.constant)) template.set(name, value)
    return template
  }
  const learn = async () => {
    for (const origin of origins) allowed.set(origin, await ask({ origin }))
    anyone = await ask({})
  }
  void learn()
  const any = origins.includes("*")
  return { of: (origin) => (any || origin === null ? anyone : anyone && (allowed.get(origin) ?? anyone)) }
}
