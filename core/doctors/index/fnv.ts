/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv. Of each byte: `Math.imul(hash ^ byte, FNV_PRIME)`. */
export const FNV_OFFSET = 0x811c9dc5
export const FNV_PRIME = 0x01000193
