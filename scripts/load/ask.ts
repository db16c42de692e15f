const REQUEST_TIMEOUT_MS = 10_000
/** How long after it was sent a request has ended in any case. */
export const ENDED_MS = REQUEST_TIMEOUT_MS + 1_000

/** The status of the answer, or the name of what went wrong. Never throws. */
export async function ask(url: string, token: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    // A deployment that was named must not send the load elsewhere.
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` }, redirect: "manual", signal })
    await answer.arrayBuffer()
    return String(answer.status)
  } catch (error) {
    const { code, name } = error as { code?: string | number; name?: string }
    return typeof code === "string" ? code : (name ?? "error")
  }
}
