/** `bun run sbom`: prints the software bill of materials, CycloneDX in JSON. The build puts the same into dist/sbom.cdx.json. */
import { readBill } from "./supply/bill.ts"

console.log(JSON.stringify(await readBill(), null, 2))
