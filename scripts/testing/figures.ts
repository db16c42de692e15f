/** What a test has measured is said even when it passes, where all else that tests print is left out. */
const MARK = "figure: "

/** Says what was measured; the README has these lines. */
export const figure = (measured: string) => console.log(`${MARK}${measured}`)

export const isFigure = (line: string) => line.startsWith(MARK)
