/** Sizes of what stands in a page. */

/** A place is x, y, z. */
export const PLACE_REALS = 3
export const PLACE_WORDS = (PLACE_REALS * Float64Array.BYTES_PER_ELEMENT) / Int32Array.BYTES_PER_ELEMENT

/** As many as a word has bits. A place with more doctors stands in its page several times. */
export const PLACE_DOCTORS_MAX = 32

/** Doctors of a page at most: a leaf with more splits. Measured: fewer make more nodes to visit, more make more places to look at. */
export const LEAF_MAX = 128
