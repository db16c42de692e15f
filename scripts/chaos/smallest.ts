/**
 * The smallest list that still shows something, by delta debugging (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing
 * Input, 2002): parts are left out, ever smaller ones, as long as it shows. Until then what is returned is only smaller.
 */
export function smallest<T>(items: T[], shows: (items: T[]) => boolean, deadline: number): { items: T[]; isSmallest: boolean } {
  let left = items
  let size = Math.ceil(left.length / 2)
  while (size >= 1) {
    const before = left.length
    for (let from = 0; from < left.length; ) {
      if (Date.now() > deadline) return { items: left, isSmallest: false }
      const without = left.toSpliced(from, size)
      if (shows(without)) left = without
      else from += size
    }
    // Of single ones, what was needed may not be any more once another is gone.
    if (size > 1 || left.length === before) size = size === 1 ? 0 : Math.min(Math.ceil(size / 2), Math.max(1, left.length))
  }
  return { items: left, isSmallest: true }
}
