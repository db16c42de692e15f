/** All that is sent with a request; undefined as soon as it is more than so many bytes. */
export async function readBounded(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  // What says its length is read whole: as a stream it takes longer.
  const length = request.headers.get("content-length")
  if (length !== null && !request.headers.has("transfer-encoding")) return Number(length) <= maxBytes ? await request.bytes() : undefined
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
