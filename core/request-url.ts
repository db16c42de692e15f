/** Where a request without a usable Host header came to; only path and query are ever looked at. */
const NOWHERE = "http://localhost"

/** The URL of a request. A client of HTTP/1.0 sends no Host, and a hostile one any: then Bun's `request.url` is no URL. */
export function urlOf(request: Request): URL {
  if (URL.canParse(request.url)) return new URL(request.url)
  const path = request.url.replace(/^https?:\/\/[^/]*/i, "")
  return URL.canParse(path, NOWHERE) ? new URL(path, NOWHERE) : new URL(NOWHERE)
}

/** The request as it is, or one with a whole URL where it has none. */
export function withWholeUrl(request: Request): Request {
  return URL.canParse(request.url) ? request : new Request(urlOf(request).href, request)
}
